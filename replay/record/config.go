package record

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"go.opentelemetry.io/collector/config/configtls"

	"github.com/instantdevlogs/devlogs/replay/recording"
)

// Config of a tap. Start from Default.
type Config struct {
	Listen   []string // addresses; each takes gRPC and HTTP
	Upstream Upstream
	Dir      string // of the recording
	Raw      bool   // keep every request as raw HTTP, whatever it holds
	Writer   recording.WriterOptions

	TLS         configtls.ServerConfig // CertFile and KeyFile; none: plain
	UpstreamTLS configtls.ClientConfig

	Budget      int64    // bytes of copies held in memory, before the disk has them
	MaxBody     int64    // of one request; larger ones pass and are not recorded
	DropHeaders []string // never recorded, beside those that carry secrets (see secretHeaders)
	// Transform changes a message before it is written, as scrubbing does. nil: nothing.
	Transform func(*recording.Message) error
	Flush     time.Duration // how long a crash may lose

	clocks reading // nil: the system's
}

// Default is the configuration that flags start from.
func Default() Config {
	return Config{Budget: 64 << 20, MaxBody: 64 << 20, Flush: 5 * time.Second}
}

// Upstream is where traffic goes on to.
type Upstream struct{ GRPC, HTTP *url.URL }

// ParseUpstream reads one or two addresses with a comma between: http://host:4318, grpc://host:4317, or host:port. A
// single one serves both; when its port is one of OTLP's (4317, 4318), the other kind goes to the other port.
func ParseUpstream(text string) (u Upstream, err error) {
	var plain *url.URL
	for part := range strings.SplitSeq(text, ",") {
		part = strings.TrimSpace(part)
		if !strings.Contains(part, "://") {
			part = "any://" + part
		}
		to, err := url.Parse(part)
		if err != nil || to.Host == "" {
			return u, fmt.Errorf("to: %q is no address: write for example localhost:4317, or grpc://a:4317,http://b:4318", part)
		}
		kind := to.Scheme
		to.Scheme = map[string]string{"any": "http", "grpc": "http", "grpcs": "https", "http": "http", "https": "https"}[kind]
		switch kind {
		case "any":
			plain = to
		case "grpc", "grpcs":
			u.GRPC = to
		case "http", "https":
			u.HTTP = to
		default:
			return u, fmt.Errorf("to: scheme %q is none of http, https, grpc, grpcs", kind)
		}
	}
	u.GRPC, u.HTTP = cmp.Or(u.GRPC, sibling(plain, "4318", "4317")), cmp.Or(u.HTTP, sibling(plain, "4317", "4318"))
	u.GRPC, u.HTTP = cmp.Or(u.GRPC, sibling(u.HTTP, "4318", "4317")), cmp.Or(u.HTTP, sibling(u.GRPC, "4317", "4318"))
	return u, nil
}

// sibling is u, on OTLP's other port when it is on the one.
func sibling(u *url.URL, port, other string) *url.URL {
	if u == nil {
		return nil
	}
	s := *u
	if u.Port() == port {
		s.Host = net.JoinHostPort(u.Hostname(), other)
	}
	return &s
}

func (c *Config) validate() error {
	switch {
	case len(c.Listen) == 0:
		return errors.New("listen: name an address, for example 127.0.0.1:4317")
	case c.Upstream.GRPC == nil || c.Upstream.HTTP == nil:
		return errors.New("to: name where the traffic goes on to, for example localhost:14317")
	case c.Dir == "":
		return errors.New("output: name a folder for the recording")
	case c.Budget <= 0 || c.MaxBody <= 0:
		return errors.New("the memory for copies and the size of a request must be above zero")
	}
	return nil
}

// secretHeaders are never recorded.
var secretHeaders = []string{
	"Authorization", "Proxy-Authorization", "Cookie", "Set-Cookie", "X-Api-Key", "Api-Key", "X-Auth-Token", "X-Amz-Security-Token",
	"Dd-Api-Key", "X-Honeycomb-Team", "X-Scope-Token", "Idempotency-Key",
}

// ownHeaders belong to one connection or one encoding of the body; a replay has its own. The sidecar has what is needed.
var ownHeaders = []string{
	"Content-Length", "Content-Type", "Content-Encoding", "Host", "Connection", "Keep-Alive", "Te", "Trailer", "Transfer-Encoding",
	"Upgrade", "Accept", "Accept-Encoding", "User-Agent", "Expect", "X-Scope-Orgid", "Proxy-Connection",
	"Grpc-Encoding", "Grpc-Accept-Encoding", "Grpc-Timeout",
}

// headerFilter returns what of a request's headers is recorded.
func headerFilter(drop []string) func(http.Header) map[string]string {
	dropped := map[string]bool{}
	for _, list := range [][]string{secretHeaders, ownHeaders, drop} {
		for _, name := range list {
			dropped[http.CanonicalHeaderKey(name)] = true
		}
	}
	return func(h http.Header) map[string]string {
		var kept map[string]string
		for name, values := range h {
			if !dropped[name] && len(values) > 0 {
				if kept == nil {
					kept = map[string]string{}
				}
				kept[name] = strings.Join(values, ", ")
			}
		}
		return kept
	}
}
