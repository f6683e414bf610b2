package gen

import (
	"fmt"
	"time"
)

const maxServices = 50

// format is how a service writes its messages.
type format uint8

const (
	formatPlain format = iota
	formatLogfmt
	formatJSON
	formatAccess
	formatMap // structured body
)

type language string

var languages = []language{"java", "go", "python", "nodejs"}

// service is one program of the company.
type service struct {
	name      string
	index     int
	format    format
	language  language
	version   [3]int
	instances []*instance
	calls     []*service // what it depends on
	templates restaurant
	words     []*template // by table of the restaurant
	median    time.Duration
	routes    []string

	// What incidents do to it; nil: nothing.
	slow   *Incident
	silent *Incident
	cert   *Incident
}

// instance is one running copy of a service.
type instance struct {
	service *service
	id      string
	pod     string
	host    string
	version string
	skew    time.Duration // what its clock is off by
	gateway int
}

var names = []string{
	"gateway", "checkout", "payments", "cart", "catalog", "search", "users", "auth", "orders", "inventory", "shipping",
	"pricing", "recommendation", "notifications", "email", "billing", "invoices", "fraud", "media", "reviews", "coupons",
	"loyalty", "tax", "warehouse", "returns", "support", "chat", "analytics", "reporting", "ledger", "geo", "sessions",
	"profiles", "images", "ads", "feed", "webhooks", "scheduler", "exports", "imports", "audit", "consent", "currency",
	"partners", "suppliers", "quotes", "contracts", "identity", "devices", "telemetry",
}

// newWorld builds the company. gateway is called by users and calls into the rest; every other service depends on some
// that come after it, so that calls never run in circles.
func newWorld(p *Profile, c chance) []*service {
	services := make([]*service, p.Services)
	for i := range services {
		s := &service{
			name: names[i], index: i, format: format(i % 5), language: languages[c.IntN(len(languages))],
			version: [3]int{c.between(1, 9), c.IntN(30), c.IntN(20)}, median: c.around(12*time.Millisecond, 2.2),
			templates: restaurant{discount: p.Growth, strength: 8, limit: 2000/p.Services + 20},
		}
		if i == 0 {
			s.format = formatAccess
		} else if s.format == formatAccess {
			s.format = formatPlain
		}
		for range c.between(3, 8) {
			s.routes = append(s.routes, fmt.Sprintf("/api/v%d/%s%s", c.between(1, 3), s.name, pick(c, routeTails)))
		}
		for range max(1, min(12, 40/(i+3))) {
			s.instances = append(s.instances, s.newInstance(p, c))
		}
		services[i] = s
	}
	for i, s := range services {
		for n := c.between(1, 3); n > 0 && i+1 < len(services); n-- {
			s.calls = append(s.calls, services[min(i+1+c.zipf(len(services)-i-1), len(services)-1)])
		}
	}
	return services
}

func (s *service) newInstance(p *Profile, c chance) *instance {
	return &instance{
		service: s, id: c.hex(8) + "-" + c.hex(4) + "-4" + c.hex(3) + "-a" + c.hex(3) + "-" + c.hex(12),
		pod:  fmt.Sprintf("%s-%s-%s", s.name, c.hex(9), c.hex(5)),
		host: fmt.Sprintf("node-%02d.eu-central-1.example.net", c.IntN(p.Hosts)), version: s.versionText(), gateway: c.IntN(p.Gateways),
	}
}

func (s *service) versionText() string {
	return fmt.Sprintf("%d.%d.%d", s.version[0], s.version[1], s.version[2])
}

func (s *service) instance(c chance) *instance { return s.instances[c.IntN(len(s.instances))] }
