package conformance

import (
	"encoding/hex"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/instantdevlogs/devlogs/logql/pipeline"
)

// labels are the labels of an entry by name.
type labels map[string]label

type label struct {
	value string
	kind  pipeline.Kind
}

func (l labels) get(name string) string { return l[name].value }

// entry is one entry, as the naive evaluator sees it.
type entry struct {
	time   int64
	line   string
	labels labels
	sample float64
}

func (e *entry) clone() *entry {
	c := *e
	c.labels = maps.Clone(e.labels)
	return &c
}

// entriesOf makes entries of logs, in order of time.
func entriesOf(logs plog.Logs) []*entry {
	var all []*entry
	for _, rl := range logs.ResourceLogs().All() {
		for _, sl := range rl.ScopeLogs().All() {
			for _, r := range sl.LogRecords().All() {
				e := &entry{time: int64(r.Timestamp()), line: r.Body().AsString(), labels: labels{}}
				flatten("", rl.Resource().Attributes(), func(name, value string) { e.labels[name] = label{value, pipeline.Stream} })
				e.metadata("scope_name", sl.Scope().Name())
				e.metadata("scope_version", sl.Scope().Version())
				if id := r.TraceID(); !id.IsEmpty() {
					e.metadata("trace_id", hex.EncodeToString(id[:]))
				}
				if id := r.SpanID(); !id.IsEmpty() {
					e.metadata("span_id", hex.EncodeToString(id[:]))
				}
				e.metadata("severity_text", r.SeverityText())
				if n := r.SeverityNumber(); n != 0 {
					e.metadata("severity_number", strconv.Itoa(int(n)))
				}
				if f := r.Flags(); f != 0 {
					e.metadata("flags", strconv.Itoa(int(f)))
				}
				e.metadata("event_name", r.EventName())
				e.metadata("detected_level", levelOf(r))
				flatten("", r.Attributes(), e.metadata)
				all = append(all, e)
			}
		}
	}
	slices.SortStableFunc(all, func(a, b *entry) int { return int(max(-1, min(1, a.time-b.time))) })
	return all
}

func (e *entry) metadata(name, value string) {
	if _, taken := e.labels[name]; !taken && value != "" {
		e.labels[name] = label{value, pipeline.Metadata}
	}
}

func levelOf(r plog.LogRecord) string {
	switch n := r.SeverityNumber(); {
	case n >= 17:
		return "error"
	case n >= 13:
		return "warn"
	case n >= 9:
		return "info"
	case n >= 5:
		return "debug"
	}
	if r.SeverityText() == "" {
		return "unknown"
	}
	return r.SeverityText()
}

func flatten(prefix string, m pcommon.Map, visit func(name, value string)) {
	for key, v := range m.All() {
		if v.Type() == pcommon.ValueTypeMap {
			flatten(prefix+key+"_", v.Map(), visit)
		} else {
			visit(labelName(prefix+key), v.AsString())
		}
	}
}

var notInName = regexp.MustCompile(`[^a-zA-Z0-9_]`)

func labelName(key string) string {
	name := notInName.ReplaceAllString(strings.TrimSpace(key), "_")
	if name != "" && name[0] >= '0' && name[0] <= '9' {
		name = "_" + name
	}
	return name
}
