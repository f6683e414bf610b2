package play

import (
	"fmt"
	"net/url"
	"strings"
)

// Protocol is what goes over the wire.
type Protocol string

const (
	GRPC     Protocol = "grpc"
	HTTP     Protocol = "http"      // protobuf
	HTTPJSON Protocol = "http-json" // OTLP/JSON
)

// Target is where a run sends to.
type Target struct {
	Protocol Protocol
	URL      *url.URL // of HTTP, with the path; of gRPC only host and whether it is TLS (https) count
	Base     *url.URL // what raw HTTP requests' own paths are put to
}

func (t Target) String() string {
	if t.Protocol == GRPC {
		return "grpc://" + t.URL.Host
	}
	return t.URL.String()
}

// ParseTarget reads where to send: http://host:4318 (/v1/logs is added when there is no path), grpc://host:4317,
// grpcs://host, or host:port, which is gRPC on port 4317 and HTTP on any other. protocol, unless empty, overrides.
func ParseTarget(text, protocol string) (Target, error) {
	if !strings.Contains(text, "://") {
		scheme := "http://"
		if strings.HasSuffix(text, ":4317") {
			scheme = "grpc://"
		}
		text = scheme + text
	}
	u, err := url.Parse(text)
	if err != nil || u.Host == "" {
		return Target{}, fmt.Errorf("to: %q is no address: write for example http://127.0.0.1:4318 or grpc://127.0.0.1:4317", text)
	}
	t := Target{Protocol: HTTP}
	switch u.Scheme {
	case "http", "https":
	case "grpc":
		t.Protocol, u.Scheme = GRPC, "http"
	case "grpcs":
		t.Protocol, u.Scheme = GRPC, "https"
	default:
		return Target{}, fmt.Errorf("to: scheme %q is none of http, https, grpc, grpcs", u.Scheme)
	}
	switch Protocol(protocol) {
	case "":
	case GRPC, HTTP, HTTPJSON:
		t.Protocol = Protocol(protocol)
	default:
		return Target{}, fmt.Errorf("protocol: %q is none of grpc, http, http-json", protocol)
	}
	base := *u
	t.Base = &base
	if t.URL = u; t.Protocol != GRPC && (u.Path == "" || u.Path == "/") {
		u.Path = "/v1/logs"
	}
	return t, nil
}
