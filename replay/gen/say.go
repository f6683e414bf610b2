package gen

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
)

// saying is one thing that an instance logs.
type saying struct {
	at       time.Duration // since the profile's start
	from     *instance
	severity plog.SeverityNumber
	message  string
	fields   []field
	trace    [16]byte
	span     [8]byte
	stack    string
	logger   string
	client   string // address of the user; access logs have it
	incident *Incident
}

// field is an attribute; value is a string, int, float64 or bool.
type field struct {
	key   string
	value any
}

// texts of severities, as each language's loggers write them.
var severityTexts = map[language]map[plog.SeverityNumber]string{
	"java":   {5: "DEBUG", 9: "INFO", 13: "WARN", 17: "ERROR", 21: "FATAL"},
	"go":     {5: "debug", 9: "info", 13: "warn", 17: "error", 21: "fatal"},
	"python": {5: "DEBUG", 9: "INFO", 13: "WARNING", 17: "ERROR", 21: "CRITICAL"},
	"nodejs": {5: "debug", 9: "info", 13: "warn", 17: "error", 21: "fatal"},
}

// record writes the saying into r; start is the profile's.
func (s *saying) record(r plog.LogRecord, start time.Time, observed time.Duration) {
	at := start.Add(s.at + s.from.skew)
	r.SetTimestamp(pcommon.NewTimestampFromTime(at))
	r.SetObservedTimestamp(pcommon.NewTimestampFromTime(start.Add(observed)))
	r.SetSeverityNumber(s.severity)
	r.SetSeverityText(severityTexts[s.from.service.language][s.severity])
	r.SetTraceID(s.trace)
	r.SetSpanID(s.span)
	if s.trace != [16]byte{} {
		r.SetFlags(plog.DefaultLogRecordFlags.WithIsSampled(s.trace[0]&3 == 0))
	}
	for _, f := range s.fields {
		put(r.Attributes(), f)
	}
	if s.stack != "" {
		r.Attributes().PutStr("exception.stacktrace", s.stack)
	}
	s.body(r.Body(), at)
}

func put(m pcommon.Map, f field) {
	switch v := f.value.(type) {
	case string:
		m.PutStr(f.key, v)
	case int:
		m.PutInt(f.key, int64(v))
	case float64:
		m.PutDouble(f.key, v)
	case bool:
		m.PutBool(f.key, v)
	}
}

func (s *saying) body(body pcommon.Value, at time.Time) {
	text := severityTexts[s.from.service.language][s.severity]
	switch s.from.service.format {
	case formatMap:
		m := body.SetEmptyMap()
		m.PutStr("msg", s.message)
		m.PutStr("logger", s.logger)
		data := m.PutEmptyMap("data")
		for _, f := range s.fields {
			put(data, f)
		}
	case formatJSON:
		var b strings.Builder
		fmt.Fprintf(&b, `{"ts":%q,"level":%q,"logger":%q,"msg":%s`, at.Format(time.RFC3339Nano), text, s.logger, quote(s.message))
		for _, f := range s.fields {
			fmt.Fprintf(&b, `,%s:%s`, quote(f.key), jsonValue(f.value))
		}
		if s.stack != "" {
			fmt.Fprintf(&b, `,"stack":%s`, quote(s.stack))
		}
		b.WriteByte('}')
		body.SetStr(b.String())
	case formatLogfmt:
		var b strings.Builder
		fmt.Fprintf(&b, "ts=%s level=%s msg=%s", at.Format(time.RFC3339Nano), text, quote(s.message))
		for _, f := range s.fields {
			b.WriteByte(' ')
			b.WriteString(f.key)
			b.WriteByte('=')
			if v, ok := f.value.(string); ok && strings.ContainsAny(v, " \"=") {
				b.WriteString(quote(v))
			} else {
				b.WriteString(plainValue(f.value))
			}
		}
		body.SetStr(b.String())
	default:
		if s.stack != "" {
			body.SetStr(s.message + "\n" + s.stack)
			return
		}
		body.SetStr(s.message)
	}
}

func jsonValue(v any) string {
	if s, ok := v.(string); ok {
		return quote(s)
	}
	return plainValue(v)
}

func plainValue(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case int:
		return strconv.Itoa(v)
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	return fmt.Sprint(v)
}

// quote writes a JSON string; messages are made of plain text, newlines and tabs.
func quote(s string) string { return strconv.Quote(s) }
