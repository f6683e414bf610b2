package jsonmap

import (
	"strconv"
	"strings"

	"github.com/instantdevlogs/devlogs/internal/textlevel"
	"github.com/instantdevlogs/devlogs/receiver/jsonlogreceiver/internal/jsontape"
	"go.opentelemetry.io/collector/pdata/plog"
)

// severityNames maps lower-case level names to OpenTelemetry's numbers, after the table in appendix B of the logs data
// model. Syslog's keyword "crit" is ERROR2 there; "critical" is what .NET and Python call their highest level, FATAL.
var severityNames = map[string]plog.SeverityNumber{
	"trace": 1, "trc": 1, "verbose": 1, "silly": 1, "finest": 1, "all": 1, "t": 1, "v": 1,
	"finer": 2,
	"debug": 5, "dbg": 5, "fine": 5, "d": 5,
	"config": 8,
	"info":   9, "information": 9, "informational": 9, "inf": 9, "http": 9, "i": 9, "log": 9,
	"notice": 10, "success": 10, "n": 10,
	"warn": 13, "warning": 13, "wrn": 13, "w": 13,
	"error": 17, "err": 17, "eror": 17, "severe": 17, "failure": 17, "e": 17,
	"crit": 18, "dpanic": 18,
	"alert": 19, "panic": 19,
	"fatal": 21, "critical": 21, "emerg": 21, "emergency": 21, "ftl": 21, "f": 21, "c": 21,
}

// pinoNames and syslogNames are what the schemes of numbers call their levels.
var (
	pinoNames   = map[int]string{10: "trace", 20: "debug", 30: "info", 40: "warn", 50: "error", 60: "fatal"}
	syslogNames = [...]string{"emerg", "alert", "crit", "err", "warning", "notice", "info", "debug"}
	syslogLevel = [...]plog.SeverityNumber{21, 19, 18, 17, 13, 10, 9, 5}
	pythonNames = map[int]string{10: "DEBUG", 20: "INFO", 30: "WARNING", 40: "ERROR", 50: "CRITICAL"}
)

// readSeverity reads a level. The text is the logger's own word, or its scheme's word for a number.
func readSeverity(t *jsontape.Tape, node uint32, name string) (plog.SeverityNumber, string, bool) {
	switch t.Nodes[node].Kind {
	case jsontape.String:
		text := strings.TrimSpace(t.Str(node))
		if text == "" {
			return 0, "", false
		}
		if number, known := SeverityOfName(text); known {
			return number, text, true
		}
		if n, err := strconv.Atoi(text); err == nil {
			return severityOfNumber(n, name)
		}
		return 0, text, true // a word of the user's own: kept as it is
	case jsontape.Int:
		if n, err := strconv.Atoi(t.Raw(node)); err == nil {
			return severityOfNumber(n, name)
		}
	}
	return 0, "", false
}

// SeverityOf reads a level that is a name or a number. The text is the name, or the scheme's name for the number.
func SeverityOf(text string) (plog.SeverityNumber, string, bool) {
	if number, known := SeverityOfName(text); known {
		return number, text, true
	}
	if n, err := strconv.Atoi(text); err == nil {
		return severityOfNumber(n, "")
	}
	return 0, "", false
}

// SeverityOfName finds the number for a level's name, in any case, also slog's "INFO+2".
func SeverityOfName(text string) (plog.SeverityNumber, bool) {
	var lower [16]byte
	if len(text) > len(lower) {
		return 0, false
	}
	for i := range len(text) {
		c := text[i]
		if c-'A' < 26 {
			c |= 0x20
		}
		lower[i] = c
	}
	if n, ok := severityNames[string(lower[:len(text)])]; ok {
		return n, true
	}
	if text == "default" || text == "DEFAULT" { // Google Cloud: no level assigned
		return 0, true
	}
	for i := 1; i < len(text); i++ {
		if text[i] != '+' && text[i] != '-' {
			continue
		}
		base, ok := severityNames[string(lower[:i])]
		offset, err := strconv.Atoi(text[i:])
		if !ok || err != nil {
			return 0, false
		}
		return min(max(base+plog.SeverityNumber(offset), 1), 24), true
	}
	return 0, false
}

// severityOfNumber reads the schemes that use numbers. They don't overlap: syslog has 0 to 7 (GELF, journald), pino and
// bunyan 10 to 60. Two names say which scheme theirs is.
func severityOfNumber(n int, name string) (plog.SeverityNumber, string, bool) {
	switch {
	case strings.HasPrefix(name, "severity_number"), name == "severityNumber":
		if n >= 0 && n <= 24 {
			return plog.SeverityNumber(n), "", true
		}
	case name == "levelno":
		if text, ok := pythonNames[n]; ok {
			number, _ := SeverityOfName(text)
			return number, text, true
		}
	case n >= 0 && n < len(syslogNames):
		return syslogLevel[n], syslogNames[n], true
	case n >= 10 && n < 70:
		// A level between two of pino's is a little above the lower one: OpenTelemetry has four numbers for each.
		number := plog.SeverityNumber(n/10*4-3) + plog.SeverityNumber(n%10*4/10)
		text, ok := pinoNames[n]
		if !ok {
			text = strconv.Itoa(n)
		}
		return number, text, true
	}
	return 0, "", false
}

// DetectSeverity looks for a level in the text of the record, unless it has one. It is for protocols that send lines.
func (m *Mapper) DetectSeverity() {
	if m.record.Severity != 0 || m.record.Text != "" {
		return
	}
	m.record.Severity, m.record.Text = severityOfLine(m.record.bodyText)
	if m.record.Severity == 0 {
		m.record.Severity, m.record.Text = severityOfText(m.record.bodyText)
	}
}

// detectInMessage does the same for the message of an object that has no level: only in JSON may it be anywhere, as in what
// Docker wraps.
func (m *Mapper) detectInMessage() {
	r := &m.record
	if r.Severity != 0 || r.Text != "" || m.sources[message] == "" {
		return
	}
	text := r.bodyText
	if r.body != 0 {
		if m.tape.Nodes[r.body].Kind != jsontape.String {
			return
		}
		text = m.tape.Str(r.body)
	}
	if strings.HasPrefix(text, "{") {
		r.Severity, r.Text = severityOfLine(text)
	} else {
		r.Severity, r.Text = severityOfText(text)
	}
	if r.Severity != 0 {
		m.sources[severity] = m.sources[message]
	}
}

// severityOfText reads a level that the text begins with.
func severityOfText(text string) (plog.SeverityNumber, string) {
	word := textlevel.Of(text)
	if word == "" {
		return 0, ""
	}
	number, _ := SeverityOfName(word)
	return number, strings.Clone(word)
}

// severityOfLine looks for a level in a line of text that is JSON or logfmt, for protocols that send text: Loki derives
// detected_level from the same places.
func severityOfLine(line string) (plog.SeverityNumber, string) {
	const most = 4096 // a level is near the start
	line = line[:min(len(line), most)]
	for _, key := range [...]string{"level", "severity", "lvl", "loglevel"} {
		at := 0
		for {
			i := strings.Index(line[at:], key)
			if i < 0 {
				break
			}
			i += at
			at = i + len(key)
			if i > 0 && (line[i-1] != ' ' && line[i-1] != '"' && line[i-1] != ',' && line[i-1] != '\t') {
				continue
			}
			if number, text, ok := SeverityOf(levelValue(line[at:])); ok {
				return number, strings.Clone(text)
			}
		}
	}
	return 0, ""
}

// levelValue is the word after `=`, `="`, `":"` or `": `.
func levelValue(s string) string {
	if strings.HasPrefix(s, "=") {
		s = strings.TrimPrefix(s[1:], `"`)
	} else if s, ok := strings.CutPrefix(s, `"`); ok {
		s = strings.TrimLeft(s, " ")
		if s, ok = strings.CutPrefix(s, ":"); ok {
			return word(strings.TrimPrefix(strings.TrimLeft(s, " "), `"`))
		}
		return ""
	} else {
		return ""
	}
	return word(s)
}

func word(s string) string {
	for i := range len(s) {
		if c := s[i]; c|0x20-'a' > 25 && c-'0' > 9 {
			return s[:i]
		}
	}
	return s
}
