package gen

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"go.opentelemetry.io/collector/pdata/plog"
)

// template is a message with slots.
type template struct {
	parts    []string // text, slot name, text, …
	severity plog.SeverityNumber
	logger   string
}

func parseTemplate(text string) *template {
	t := &template{}
	for {
		before, rest, ok := strings.Cut(text, "{")
		t.parts = append(t.parts, before)
		if !ok {
			return t
		}
		slot, after, _ := strings.Cut(rest, "}")
		t.parts = append(t.parts, slot)
		text = after
	}
}

// say fills the slots.
func (t *template) say(c chance) string {
	var b strings.Builder
	for i, part := range t.parts {
		if i%2 == 0 {
			b.WriteString(part)
		} else {
			b.WriteString(slot(part, c))
		}
	}
	return b.String()
}

// Cardinalities of the things that messages talk about.
const (
	customers = 200_000
	orders    = 5_000_000
	addresses = 20_000
	tenants   = 40
)

func slot(name string, c chance) string {
	switch name {
	case "id":
		return strconv.Itoa(1_000_000 + c.IntN(orders))
	case "user":
		return userName(c)
	case "hex":
		return c.hex(16)
	case "uuid":
		return c.hex(8) + "-" + c.hex(4) + "-4" + c.hex(3) + "-b" + c.hex(3) + "-" + c.hex(12)
	case "small":
		return strconv.Itoa(c.between(1, 99))
	case "count":
		return strconv.Itoa(int(math.Exp(c.Float64() * 9)))
	case "big":
		return strconv.Itoa(c.IntN(1 << 40))
	case "bytes":
		return strconv.Itoa(int(math.Exp(4 + c.Float64()*12)))
	case "ms":
		return strconv.Itoa(int(math.Exp(c.NormFloat64()*1.2 + 3)))
	case "ip":
		return address(c)
	case "host":
		return fmt.Sprintf("10.%d.%d.%d:%d", c.IntN(4), c.IntN(16), c.between(2, 254), 8000+c.IntN(90))
	case "status":
		return strconv.Itoa(status(c, 0.1))
	case "key":
		return pick(c, tables) + ":" + strconv.Itoa(c.zipf(100_000))
	case "version":
		return fmt.Sprintf("%d.%d.%d", c.between(1, 9), c.IntN(20), c.IntN(20))
	case "thread":
		return pick(c, threads) + "-" + strconv.Itoa(c.between(1, 32))
	case "tenant":
		return "tenant-" + strconv.Itoa(c.zipf(tenants))
	case "path":
		return pick(c, files) + "/" + strconv.Itoa(c.zipf(5000))
	case "table":
		return pick(c, tables)
	case "queue":
		return pick(c, queues)
	case "flag":
		return pick(c, flags)
	case "job":
		return pick(c, jobs)
	case "bool":
		return strconv.FormatBool(c.one(0.7))
	}
	panic("no slot is called " + name)
}

func userName(c chance) string { return "u-" + strconv.Itoa(100_000+c.zipf(customers)) }

// address draws one of the clients' addresses; a few clients send much.
func address(c chance) string {
	n := c.zipf(addresses)
	return fmt.Sprintf("%d.%d.%d.%d", 80+n%40, n/7%256, n/3%256, n%254+1)
}

// status draws an HTTP status; errors is the share of failures.
func status(c chance, errors float64) int {
	if !c.one(errors) {
		return pick(c, []int{200, 200, 200, 200, 200, 200, 201, 204, 302, 304})
	}
	return pick(c, []int{400, 400, 401, 403, 404, 404, 404, 409, 429, 500, 502, 503})
}
