package jsonlogreceiver

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"

	"github.com/instantdevlogs/devlogs/receiver/jsonlogreceiver/internal/jsonmap"
)

// override is one way in which a request changes the mapping. The query parameter may also have a leading underscore and
// the header the prefix VL-: those are VictoriaLogs' names for the same. Parameters beat headers.
type override struct {
	parameter string
	header    string
	set       func(*jsonmap.Fields, []string) error
}

var overrides = []override{
	{"time_field", "Time-Field", func(f *jsonmap.Fields, v []string) error { f.Time = v; return nil }},
	{"msg_field", "Msg-Field", func(f *jsonmap.Fields, v []string) error { f.Message = v; return nil }},
	{"level_field", "Level-Field", func(f *jsonmap.Fields, v []string) error { f.Severity = v; return nil }},
	{"service_field", "Service-Field", func(f *jsonmap.Fields, v []string) error { f.Service = v; return nil }},
	{"trace_id_field", "Trace-Id-Field", func(f *jsonmap.Fields, v []string) error { f.TraceID = v; return nil }},
	{"span_id_field", "Span-Id-Field", func(f *jsonmap.Fields, v []string) error { f.SpanID = v; return nil }},
	{"stream_fields", "Stream-Fields", func(f *jsonmap.Fields, v []string) error { f.Resource = v; return nil }},
	{"keep_fields", "Keep-Fields", func(f *jsonmap.Fields, v []string) error { f.Keep = v; return nil }},
	{"ignore_fields", "Ignore-Fields", func(f *jsonmap.Fields, v []string) error { f.Ignore = v; return nil }},
	{"extra_fields", "Extra-Fields", setExtra},
}

func setExtra(f *jsonmap.Fields, values []string) error {
	f.Extra = map[string]string{}
	for _, pair := range values {
		name, value, ok := strings.Cut(pair, "=")
		if !ok || name == "" {
			return fmt.Errorf("extra_fields is a list of name=value, got %q", pair)
		}
		f.Extra[name] = value
	}
	return nil
}

// maxOverrideNames bounds what a request may list, and maxCachedRules how many different wishes are kept compiled.
const (
	maxOverrideNames = 100
	maxCachedRules   = 256
)

// ruleCache keeps the compiled rules of the overrides that clients send, which mostly are the same in every request.
type ruleCache struct {
	mu    sync.Mutex
	rules map[string]*jsonmap.Rules
}

// rulesFor gives the rules that a request asks for.
func (r *jsonReceiver) rulesFor(query url.Values, header http.Header) (*jsonmap.Rules, error) {
	var fields jsonmap.Fields
	var key strings.Builder
	for _, o := range overrides {
		text := firstOf(query.Get(o.parameter), query.Get("_"+o.parameter), header.Get("Devlogs-"+o.header), header.Get("VL-"+o.header))
		if text == "" {
			continue
		}
		names := strings.Split(text, ",")
		if len(names) > maxOverrideNames {
			return nil, fmt.Errorf("%s lists more than %d names", o.parameter, maxOverrideNames)
		}
		for i := range names {
			names[i] = strings.TrimSpace(names[i])
		}
		if err := o.set(&fields, names); err != nil {
			return nil, err
		}
		fmt.Fprintf(&key, "%s=%d:%s", o.parameter, len(text), text)
	}
	if key.Len() == 0 {
		return r.rules, nil
	}
	r.cache.mu.Lock()
	defer r.cache.mu.Unlock()
	if rules := r.cache.rules[key.String()]; rules != nil {
		return rules, nil
	}
	if r.cache.rules == nil || len(r.cache.rules) >= maxCachedRules {
		r.cache.rules = map[string]*jsonmap.Rules{}
	}
	rules := r.rules.Override(fields)
	r.cache.rules[key.String()] = rules
	return rules, nil
}

func firstOf(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}

func boolParameter(query url.Values, name string) (bool, error) {
	if !query.Has(name) {
		return false, nil
	}
	text := query.Get(name)
	if text == "" { // ?dry_run
		return true, nil
	}
	value, err := strconv.ParseBool(text)
	if err != nil {
		return false, fmt.Errorf("%s is true or false, got %q", name, text)
	}
	return value, nil
}
