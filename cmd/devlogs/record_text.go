package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/fatih/color"
	"github.com/mattn/go-isatty"

	"github.com/instantdevlogs/devlogs/queryapi/client"
	"github.com/instantdevlogs/devlogs/queryapi/logplan"
)

// textPrinter lays a record out for reading: time, level, service, message, and the attributes after it.
type textPrinter struct {
	zone    *time.Location
	levels  map[string]*color.Color
	service *color.Color
	dim     *color.Color

	multiline bool // values of several lines, such as stack traces, stand below their record
}

func newTextPrinter(when string, utc, multiline bool, out io.Writer) *textPrinter {
	colored := when == "always" || when == "auto" && os.Getenv("NO_COLOR") == "" && isTerminal(out)
	paint := func(attributes ...color.Attribute) *color.Color {
		c := color.New(attributes...)
		if colored {
			c.EnableColor()
		} else {
			c.DisableColor()
		}
		return c
	}
	p := &textPrinter{
		zone: time.Local,
		levels: map[string]*color.Color{
			"trace": paint(color.Faint), "debug": paint(color.FgBlue), "info": paint(color.FgGreen),
			"warn": paint(color.FgYellow), "error": paint(color.FgRed), "fatal": paint(color.FgRed, color.Bold),
			"unknown": paint(color.Faint),
		},
		service: paint(color.FgCyan),
		dim:     paint(color.Faint),

		multiline: multiline || isTerminal(out),
	}
	if utc {
		p.zone = time.UTC
	}
	return p
}

func isTerminal(out io.Writer) bool {
	f, ok := out.(*os.File)
	return ok && isatty.IsTerminal(f.Fd()) && os.Getenv("TERM") != "dumb"
}

// write prints one record. Whatever it holds, no control character of it reaches the terminal.
func (p *textPrinter) write(out *bufio.Writer, record *client.Record) error {
	level := strings.ToUpper(record.Level)
	if level == "UNKNOWN" {
		level = "-"
	}
	paint := p.levels[record.Level]
	if paint == nil {
		paint = p.dim
	}
	line := p.dim.Sprint(record.Time.In(p.zone).Format("2006-01-02 15:04:05.000")) + " " + paint.Sprintf("%-5s", harmless(level))
	if record.Service != "" {
		line += " " + p.service.Sprint(harmless(record.Service))
	}
	body := lineText(record)
	first, rest, _ := strings.Cut(body, "\n")
	line += " " + harmless(first)
	values := labelValues(record)
	if record.Labels == nil {
		values = attributeValues(record)
	}
	var beside []string
	below := indented("    ", rest)
	for _, v := range values {
		if p.multiline && strings.Contains(v.text, "\n") {
			below += "\n    " + p.dim.Sprint(harmless(v.name)+":") + indented("      ", v.text)
		} else {
			beside = append(beside, harmless(v.name)+"="+v.inline)
		}
	}
	if len(beside) > 0 {
		line += " " + p.dim.Sprint(strings.Join(beside, " "))
	}
	line += below
	_, err := fmt.Fprintln(out, line)
	return err
}

// indented puts each line of a text on one of its own.
func indented(by, text string) (lines string) {
	if text = strings.TrimRight(text, "\n"); text == "" {
		return ""
	}
	for next := range strings.SplitSeq(text, "\n") {
		lines += "\n" + by + harmless(strings.TrimSuffix(next, "\r"))
	}
	return lines
}

// namedValue is an attribute or a label, with its value also as it stands in a line.
type namedValue struct{ name, text, inline string }

// lineText is the line as a query of LogQL leaves it, or else the body.
func lineText(record *client.Record) string {
	if record.Line != nil {
		return *record.Line
	}
	return bodyText(record.Body)
}

// labelValues are the labels that a query leaves, but for those of the resource and those that every record has.
func labelValues(record *client.Record) (values []namedValue) {
	shared := map[string]bool{"detected_level": true, "severity_text": true, "severity_number": true, "observed_timestamp": true, "flags": true,
		"scope_name": true, "scope_version": true, "service_name": true}
	var resource map[string]json.RawMessage
	if json.Unmarshal(record.Resource, &resource) == nil {
		for key := range resource {
			shared[logplan.LabelName(key)] = true
		}
	}
	for _, name := range slices.Sorted(maps.Keys(record.Labels)) {
		if shared[name] {
			continue
		}
		value := harmless(record.Labels[name])
		if strings.ContainsAny(value, " \t\n\r\"=") {
			value = strconv.Quote(record.Labels[name])
		}
		values = append(values, namedValue{name, record.Labels[name], value})
	}
	return values
}

// bodyText is a text body as it is, any other as JSON.
func bodyText(body json.RawMessage) string {
	var text string
	switch {
	case json.Unmarshal(body, &text) == nil:
		return text
	default:
		return string(body)
	}
}

// attributeValues are the attributes, in the order they were sent, and the trace id.
func attributeValues(record *client.Record) (values []namedValue) {
	d := json.NewDecoder(bytes.NewReader(record.Attributes))
	if _, err := d.Token(); err != nil {
		return nil
	}
	for d.More() {
		key, err := d.Token()
		var value json.RawMessage
		if err != nil || d.Decode(&value) != nil {
			break
		}
		v := namedValue{name: fmt.Sprint(key), text: bodyText(value)}
		v.inline = v.text
		if strings.ContainsAny(v.text, " \t\n\r\"=") && value[0] == '"' {
			v.inline = string(value)
		}
		v.inline = harmless(v.inline)
		values = append(values, v)
	}
	if record.TraceID != "" {
		values = append(values, namedValue{name: "trace_id", text: record.TraceID, inline: record.TraceID})
	}
	return values
}

// harmless shows control characters, and those that reorder or hide text, by their escapes: a log line must not be able to
// steer a terminal.
func harmless(s string) string {
	bad := func(r rune) bool {
		const joiner = '\u200d' // emoji are made with it
		return r != '\t' && r != joiner && (unicode.IsControl(r) || unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp))
	}
	if !strings.ContainsFunc(s, bad) {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		switch {
		case !bad(r):
			b.WriteRune(r)
		case r < 0x100:
			fmt.Fprintf(&b, `\x%02x`, r)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return b.String()
}
