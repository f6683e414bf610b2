package cli

import (
	"fmt"
	"net/url"
	"os"
	"strconv"
	"strings"

	"go.opentelemetry.io/collector/config/configopaque"
)

// parseSpeed reads 10x, 0.5x, 200% or 2.
func parseSpeed(text string) (float64, error) {
	number, percent := strings.CutSuffix(text, "%")
	v, err := strconv.ParseFloat(strings.TrimSuffix(number, "x"), 64)
	if percent {
		v /= 100
	}
	if err != nil || v <= 0 {
		return 0, fmt.Errorf("--speed %q: write for example 10x, 0.5x or 200%%", text)
	}
	return v, nil
}

// parseShare reads 10% or 0.1; "" is 0.
func parseShare(text string) (float64, error) {
	if text == "" {
		return 0, nil
	}
	number, percent := strings.CutSuffix(text, "%")
	v, err := strconv.ParseFloat(number, 64)
	if percent {
		v /= 100
	}
	if err != nil || v <= 0 || v > 1 {
		return 0, fmt.Errorf("--sample %q: write for example 10%% or 0.1", text)
	}
	return v, nil
}

// parseHeaders reads "Name: value", after those of the standard variables, which are name=value,name=value with the
// values percent-encoded.
func parseHeaders(flags []string) (map[string]configopaque.String, error) {
	headers := map[string]configopaque.String{}
	for _, name := range []string{"OTEL_EXPORTER_OTLP_HEADERS", "OTEL_EXPORTER_OTLP_LOGS_HEADERS"} {
		for pair := range strings.SplitSeq(os.Getenv(name), ",") {
			if pair == "" {
				continue
			}
			key, value, ok := strings.Cut(pair, "=")
			plain, err := url.PathUnescape(strings.TrimSpace(value))
			if !ok || err != nil {
				return nil, fmt.Errorf("%s: an entry is not name=value", name) // the entry may hold a secret
			}
			headers[strings.TrimSpace(key)] = configopaque.String(plain)
		}
	}
	for _, flag := range flags {
		name, value, ok := strings.Cut(flag, ":")
		if name = strings.TrimSpace(name); !ok || name == "" {
			return nil, fmt.Errorf("--header: write 'Name: value'")
		}
		headers[name] = configopaque.String(strings.TrimSpace(value))
	}
	return headers, nil
}
