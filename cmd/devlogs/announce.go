package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"

	"go.opentelemetry.io/collector/confmap"
)

// endpoint is one address that devlogs listens on.
type endpoint struct {
	variable string // the environment variable that sets it in the built-in configuration
	usual    string // the address when nothing sets it
	serves   string
	kind     string // the component's type, and what of it listens
	path     string
}

const (
	otlpGRPC = iota
	otlpHTTP
	jsonHTTP
	queryHTTP
)

// endpoints are those of the built-in configuration, in the order of the constants above.
var endpoints = [...]endpoint{
	{"DEVLOGS_OTLP_GRPC_ENDPOINT", "localhost:4317", "OTLP over gRPC", "otlp", "protocols::grpc"},
	{"DEVLOGS_OTLP_HTTP_ENDPOINT", "localhost:4318", "OTLP over HTTP", "otlp", "protocols::http"},
	{"DEVLOGS_JSON_ENDPOINT", "localhost:4319", "JSON over HTTP", "json_log", ""},
	{"DEVLOGS_QUERY_ENDPOINT", "localhost:3100", "the query API", "query_api", ""},
}

func environmentHelp() string {
	var b strings.Builder
	fmt.Fprintf(&b, "  %-28s where logs are kept (./devlogs-data)\n", "DEVLOGS_DATA_DIR")
	for _, e := range endpoints {
		fmt.Fprintf(&b, "  %-28s %s (%s)\n", e.variable, e.serves, e.usual)
	}
	fmt.Fprintf(&b, "  %-28s devlogs' own messages: debug, info, warn, error (warn)\n", "DEVLOGS_LOG_LEVEL")
	return b.String()
}

// announce says, once, where to send logs and where to look.
func announce(w io.Writer, addresses [len(endpoints)]string) {
	var b strings.Builder
	fmt.Fprintf(&b, "devlogs %s is ready; Ctrl-C stops it.\n", version)
	if a := addresses[jsonHTTP]; a != "" {
		fmt.Fprintf(&b, "\nSend a log:\n  curl http://%s -H 'Content-Type: application/json' "+
			`-d '{"service":"demo","level":"info","message":"hello"}'`+"\n", a)
	}
	if grpc, http := addresses[otlpGRPC], addresses[otlpHTTP]; grpc != "" || http != "" {
		b.WriteString("\nSend OpenTelemetry logs:\n")
		if http != "" {
			fmt.Fprintf(&b, "  OTEL_EXPORTER_OTLP_ENDPOINT=http://%s   OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf\n", http)
		}
		if grpc != "" {
			fmt.Fprintf(&b, "  OTEL_EXPORTER_OTLP_ENDPOINT=http://%s   OTEL_EXPORTER_OTLP_PROTOCOL=grpc\n", grpc)
		}
	}
	if a := addresses[queryHTTP]; a != "" {
		fmt.Fprintf(&b, "\nLook:\n  %s%s query --since 1h\n  curl 'http://%s/api/v1/logs?since=1h'\n",
			assignment(endpoints[queryHTTP], a), program(), a)
	}
	// It is for people who look at the terminal; when nobody can read it, serving goes on.
	_, _ = io.WriteString(w, b.String())
}

// program is what people type to start this program once more: its name when that finds it, else what it was started by.
func program() string {
	const name = "devlogs"
	running, err := os.Executable()
	if err != nil {
		return name
	}
	found, err := exec.LookPath(name)
	if err == nil && sameFile(found, running) {
		return name
	}
	return os.Args[0]
}

func sameFile(a, b string) bool {
	x, err := os.Stat(a)
	if err != nil {
		return false
	}
	y, err := os.Stat(b)
	return err == nil && os.SameFile(x, y)
}

// assignment is what a command needs before it when the address is not the usual one.
func assignment(e endpoint, address string) string {
	if address == e.usual {
		return ""
	}
	return e.variable + "=" + address + " "
}

// resolvedConfig is a converter that changes nothing: it sees the configuration after all locations and variables are
// resolved, whichever way it came in.
type resolvedConfig struct{ conf *confmap.Conf }

func (r *resolvedConfig) Convert(_ context.Context, conf *confmap.Conf) error {
	r.conf = conf
	return nil
}

func (r *resolvedConfig) factory() confmap.ConverterFactory {
	return confmap.NewConverterFactory(func(confmap.ConverterSettings) confmap.Converter { return r })
}

// endpoints gives the address of each of the endpoints that the configuration has and uses, "" for the others.
func (r *resolvedConfig) endpoints() (addresses [len(endpoints)]string) {
	used := r.used()
	for i, e := range endpoints {
		for id := range used {
			if name, _, _ := strings.Cut(id.name, "/"); name != e.kind {
				continue
			}
			path := id.section + "::" + id.name
			if e.path != "" {
				path += "::" + e.path
				if !r.conf.IsSet(path) {
					continue
				}
			}
			address, _ := r.conf.Get(path + "::endpoint").(string)
			addresses[i] = reachable(cmp.Or(address, e.usual))
		}
	}
	return addresses
}

type componentName struct{ section, name string }

// used lists the receivers and exporters of pipelines and the extensions that the service starts.
func (r *resolvedConfig) used() map[componentName]struct{} {
	used := map[componentName]struct{}{}
	add := func(section string, names any) {
		list, _ := names.([]any)
		for _, name := range list {
			if s, ok := name.(string); ok {
				used[componentName{section, s}] = struct{}{}
			}
		}
	}
	pipelines, _ := r.conf.Get("service::pipelines").(map[string]any)
	for name := range pipelines {
		add("receivers", r.conf.Get("service::pipelines::"+name+"::receivers"))
		add("exporters", r.conf.Get("service::pipelines::"+name+"::exporters"))
	}
	add("extensions", r.conf.Get("service::extensions"))
	return used
}

// reachable turns an address that listens everywhere into one that a client on this machine can use.
func reachable(address string) string {
	for _, everywhere := range []string{"0.0.0.0:", "[::]:", ":"} {
		if port, ok := strings.CutPrefix(address, everywhere); ok {
			return "localhost:" + port
		}
	}
	return address
}
