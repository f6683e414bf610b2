// Package textlevel reads the level that the text of a log line says, where it has no field for it: `ERROR: no space left`,
// `[warn] slow query`, `2026-11-24T10:00:00Z INFO started`.
//
// A record's level is its severity number, else its severity text, wherever devlogs shows, counts or filters by it: a store can
// do that without reading bodies. So a text is looked at only once, where a line becomes a record and nobody has said its level: in
// json_log, and in `devlogs query` over a file. An OTLP record is never changed: it is given back as it was sent.
//
// Only what can hardly be anything else counts: a level at the start, or behind a time, in brackets, in capitals, or followed by
// a colon. `error rate is 0` has no level.
package textlevel

import "strings"

// words are the levels that a text may begin with; short ones only loggers write.
var words = map[string]bool{
	"trace": true, "debug": true, "info": true, "notice": true, "warn": true, "warning": true, "error": true, "err": true, "severe": true,
	"fatal": true, "critical": true, "crit": true, "panic": true, "alert": true, "emerg": true, "emergency": true,
	"trc": true, "dbg": true, "inf": true, "wrn": true, "ftl": true,
}

// The start of a line is enough, and what stands before a level is short.
const (
	mostRead   = 256
	mostPieces = 6
)

// Of gives the word that says the level as it stands in the line, one of OpenTelemetry's or syslog's names or their usual short
// forms in any case; "" when there is none.
func Of(line string) string {
	s := skipSpace(line[:min(len(line), mostRead)])
	if word := klog(s); word != "" {
		return word
	}
	if len(s) > 3 && s[1:4] == ", [" { // Ruby: E, [2026-11-24T10:00:00 #1] ERROR -- : text
		s = s[3:]
	}
	if key, _, found := strings.Cut(firstToken(s), "="); found && isName(key) {
		return logfmt(s)
	}
	timed := false
	for range mostPieces {
		if s == "" {
			return ""
		}
		switch c := s[0]; {
		case c == '[' || c == '(' || c == '<':
			inside, rest, found := strings.Cut(s[1:], string(closing(c)))
			if word := bracketed(inside); word != "" || !found {
				return word
			}
			s = rest
		case c >= '0' && c <= '9':
			token := firstToken(s)
			if strings.ContainsFunc(token, func(r rune) bool { return !strings.ContainsRune("0123456789:.,-+/TZ", r) }) {
				return ""
			}
			s, timed = s[len(token):], true
		case strings.HasPrefix(s, "UTC") || strings.HasPrefix(s, "GMT"):
			s = s[3:]
		case timed && (strings.HasPrefix(s, "- ") || strings.HasPrefix(s, "| ")):
			return separated(s)
		default:
			return leading(s, timed)
		}
		s = skipSpace(s)
	}
	return ""
}

func skipSpace(s string) string {
	s = strings.TrimLeft(s, " \t")
	for strings.HasPrefix(s, "\x1b[") { // a colour
		end := strings.IndexByte(s, 'm')
		if end < 0 {
			return ""
		}
		s = strings.TrimLeft(s[end+1:], " \t")
	}
	return s
}

func firstToken(s string) string {
	if i := strings.IndexAny(s, " \t"); i >= 0 {
		return s[:i]
	}
	return s
}

func isName(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool { return r|0x20 < 'a' || r|0x20 > 'z' })
}

func isLevel(s string) bool {
	var lower [len("emergency")]byte
	if len(s) > len(lower) {
		return false
	}
	for i := range len(s) {
		lower[i] = s[i] | 0x20 // what is no letter matches none
	}
	return words[string(lower[:len(s)])]
}

func closing(c byte) byte {
	if c == '(' {
		return ')'
	}
	return c + 2 // in ASCII
}

// klog reads the header of Google's libraries: E1124 10:00:00.000000 1 file.go:12] text.
func klog(s string) string {
	if len(s) < 8 || s[5] != ' ' {
		return ""
	}
	for _, i := range [...]int{1, 2, 3, 4, 6, 7} {
		if s[i] < '0' || s[i] > '9' {
			return ""
		}
	}
	switch s[0] {
	case 'I':
		return "info"
	case 'W':
		return "warning"
	case 'E':
		return "error"
	case 'F':
		return "fatal"
	}
	return ""
}

// bracketed reads [ERROR], [core:error], and what begins with a time: [10:00:00 INF].
func bracketed(inside string) string {
	inside = skipSpace(inside)
	if inside == "" {
		return ""
	}
	if inside[0] >= '0' && inside[0] <= '9' {
		for token := range strings.FieldsSeq(inside) {
			if isLevel(token) {
				return token
			}
		}
		return ""
	}
	word := strings.TrimRight(inside, " ")
	if i := strings.IndexByte(word, '\x1b'); i >= 0 {
		word = word[:i]
	}
	if module, level, found := strings.Cut(word, ":"); found && isName(module) {
		word = level
	}
	if isLevel(word) {
		return word
	}
	return ""
}

// leading reads a level that begins s: in any case before a colon, and before a tab when a time came before; else in capitals.
func leading(s string, timed bool) string {
	end := 0
	for end < len(s) && s[end]|0x20 >= 'a' && s[end]|0x20 <= 'z' {
		end++
	}
	word, rest := s[:end], s[end:]
	if !isLevel(word) {
		return ""
	}
	if strings.HasPrefix(rest, "\x1b[") {
		return word // only a logger colours it
	}
	switch {
	case rest == "" || strings.IndexByte(" |[-", rest[0]) >= 0:
		if word != strings.ToUpper(word) {
			return ""
		}
	case rest[0] == '\t':
		if !timed && word != strings.ToUpper(word) {
			return ""
		}
	case rest[0] != ':':
		return ""
	}
	return word
}

// separated reads `- name - ERROR - text`, as Python's logging is often set up.
func separated(s string) string {
	for i, part := range strings.SplitN(s[1:], s[:1]+" ", mostPieces) {
		if part = strings.TrimSpace(part); isLevel(part) && i < mostPieces-1 {
			return part
		}
	}
	return ""
}

// logfmt reads the value of level, lvl or severity.
func logfmt(s string) string {
	for token := range strings.FieldsSeq(s) {
		key, value, found := strings.Cut(token, "=")
		if !found {
			continue
		}
		switch strings.ToLower(key) {
		case "level", "lvl", "severity", "loglevel":
			if value = strings.Trim(value, `"`); isLevel(value) {
				return value
			}
		}
	}
	return ""
}
