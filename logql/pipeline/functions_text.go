package pipeline

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"text/template"
	"unicode"
	"unicode/utf8"
)

// textFunctions are those of the language's documentation, and under their old names the ones it had before: Replace,
// Trim, ToLower and so on, which take the text first.
func (m *meter) textFunctions() template.FuncMap {
	return template.FuncMap{
		"lower": m.text(strings.ToLower), "ToLower": m.text(strings.ToLower),
		"upper": m.text(strings.ToUpper), "ToUpper": m.text(strings.ToUpper),
		"title": m.text(title),
		"trim":  m.text(strings.TrimSpace), "TrimSpace": m.text(strings.TrimSpace),
		"trimAll":    m.text2(func(cut, s string) string { return strings.Trim(s, cut) }),
		"trimPrefix": m.text2(func(prefix, s string) string { return strings.TrimPrefix(s, prefix) }),
		"trimSuffix": m.text2(func(suffix, s string) string { return strings.TrimSuffix(s, suffix) }),
		"Trim":       m.text2(strings.Trim), "TrimLeft": m.text2(strings.TrimLeft), "TrimRight": m.text2(strings.TrimRight),
		"TrimPrefix": m.text2(strings.TrimPrefix), "TrimSuffix": m.text2(strings.TrimSuffix),
		"replace":   func(old, new, s string) (string, error) { return m.replace(s, old, new, -1) },
		"Replace":   m.replace,
		"contains":  func(part, s string) bool { return strings.Contains(s, part) },
		"hasPrefix": func(prefix, s string) bool { return strings.HasPrefix(s, prefix) },
		"hasSuffix": func(suffix, s string) bool { return strings.HasSuffix(s, suffix) },
		"trunc":     trunc, "substr": substr,
		"alignLeft": m.alignLeft, "alignRight": m.alignRight,
		"indent":  m.indent,
		"nindent": func(spaces int, s string) (string, error) { s, err := m.indent(spaces, s); return "\n" + s, err },
		"repeat":  m.repeat,
		"default": func(d, s any) any {
			if s == nil || s == "" {
				return d
			}
			return s
		},
		"b64enc":    m.text(func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }),
		"b64dec":    b64dec,
		"urlencode": m.text(url.QueryEscape),
		"urldecode": url.QueryUnescape,
		"fromJson":  m.fromJSON,
		"printf":    m.printf,
		"print":     func(args ...any) (string, error) { return fmt.Sprint(args...), m.spendArgs(args) },
		"println":   func(args ...any) (string, error) { return fmt.Sprintln(args...), m.spendArgs(args) },
		"html":      m.text(template.HTMLEscapeString),
		"js":        m.text(template.JSEscapeString),
		"urlquery":  m.text(url.QueryEscape),
	}
}

// text counts what a function of a text costs.
func (m *meter) text(f func(string) string) func(string) (string, error) {
	return func(s string) (string, error) {
		if err := m.spend(len(s)); err != nil {
			return "", err
		}
		out := f(s)
		return out, m.spend(len(out))
	}
}

func (m *meter) text2(f func(a, b string) string) func(a, b string) (string, error) {
	return func(a, b string) (string, error) {
		out := f(a, b)
		return out, m.spend(len(a), len(b))
	}
}

func (m *meter) replace(s, old, new string, n int) (string, error) {
	count := strings.Count(s, old)
	if n >= 0 {
		count = min(count, n)
	}
	if err := m.spend(len(s), len(s)+count*max(0, len(new)-len(old))); err != nil {
		return "", err
	}
	return strings.Replace(s, old, new, n), nil
}

func title(s string) string {
	inWord := false
	return strings.Map(func(r rune) rune {
		first := !inWord
		inWord = unicode.IsLetter(r) || unicode.IsDigit(r) || r == '_' || r == '\''
		if first {
			return unicode.ToTitle(r)
		}
		return r
	}, s)
}

// trunc keeps n bytes of the front, or of the end when n is negative.
func trunc(n int, s string) string {
	switch {
	case n >= 0 && n < len(s):
		return s[:n]
	case n < 0 && len(s)+n > 0:
		return s[len(s)+n:]
	}
	return s
}

func substr(start, end int, s string) (string, error) {
	switch {
	case start < 0:
		start = 0
	case end < 0 || end > len(s):
		end = len(s)
	}
	if start > end || end > len(s) || end < 0 {
		return "", fmt.Errorf("substr: %d to %d is not in a text of %d bytes", start, end, len(s))
	}
	return s[start:end], nil
}

func (m *meter) alignLeft(n int, s string) (string, error) {
	if n < 0 {
		return s, nil
	}
	if err := m.spend(n, len(s)); err != nil {
		return "", err
	}
	if missing := n - utf8.RuneCountInString(s); missing >= 0 {
		return s + strings.Repeat(" ", missing), nil
	}
	return string([]rune(s)[:n]), nil
}

func (m *meter) alignRight(n int, s string) (string, error) {
	if n < 0 {
		return s, nil
	}
	if err := m.spend(n, len(s)); err != nil {
		return "", err
	}
	missing := n - utf8.RuneCountInString(s)
	if missing >= 0 {
		return strings.Repeat(" ", missing) + s, nil
	}
	return string([]rune(s)[-missing:]), nil
}

func (m *meter) indent(spaces int, s string) (string, error) {
	if spaces < 0 || spaces > maxTemplateOutput {
		return "", fmt.Errorf("indent: %d spaces", spaces)
	}
	if err := m.spend((strings.Count(s, "\n")+1)*spaces + len(s)); err != nil {
		return "", err
	}
	pad := strings.Repeat(" ", spaces)
	return pad + strings.ReplaceAll(s, "\n", "\n"+pad), nil
}

func (m *meter) repeat(n int, s string) (string, error) {
	if n < 0 || n > maxTemplateOutput {
		return "", fmt.Errorf("repeat: %d times", n)
	}
	if err := m.spend(n * len(s)); err != nil {
		return "", err
	}
	return strings.Repeat(s, n), nil
}

func b64dec(s string) (string, error) {
	out, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(s, "="))
	return string(out), err
}

// fromJSON gives the value of a JSON text, "" for what is none.
func (m *meter) fromJSON(s string) (any, error) {
	if err := m.spend(len(s)); err != nil {
		return nil, err
	}
	var v any
	if json.Unmarshal([]byte(s), &v) != nil {
		return "", nil
	}
	return v, nil
}

var errPrintfWidth = errors.New(`printf: widths and precisions are numbers up to 10000 in the format ("*" is not available)`)

// printf is fmt's, with bounded widths.
func (m *meter) printf(format string, args ...any) (string, error) {
	widths := 0
	for verb := range strings.SplitSeq(format, "%") {
		number := 0
		for i := 0; i < len(verb) && strings.IndexByte("+-# 0123456789.[]*", verb[i]) >= 0; i++ {
			switch c := verb[i]; {
			case c == '*':
				return "", errPrintfWidth
			case c < '0' || c > '9':
				number = 0
			default:
				if number = number*10 + int(c-'0'); number > 10_000 {
					return "", errPrintfWidth
				}
			}
			widths += number
		}
	}
	if err := m.spend(widths); err != nil {
		return "", err
	}
	if err := m.spendArgs(args); err != nil {
		return "", err
	}
	out := fmt.Sprintf(format, args...)
	return out, m.spend(len(out))
}

// spendArgs counts the texts among arguments.
func (m *meter) spendArgs(args []any) error {
	total := 0
	for _, a := range args {
		if s, ok := a.(string); ok {
			total += len(s)
		}
	}
	return m.spend(total)
}
