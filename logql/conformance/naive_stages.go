package conformance

import (
	"encoding/json"
	"errors"
	"io"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/dustin/go-humanize"

	"github.com/instantdevlogs/devlogs/logql"
	"github.com/instantdevlogs/devlogs/logql/pipeline"
)

// process sends an entry through stages; false when one drops it.
func process(e *entry, stages []logql.Stage) bool {
	for _, s := range stages {
		if !stage(e, s) {
			return false
		}
	}
	return true
}

func stage(e *entry, s logql.Stage) bool {
	switch s := s.(type) {
	case *logql.LineFilter:
		found := false
		for _, o := range s.Operands {
			found = found || onLine(e.line, s.Op, o)
		}
		return found != s.Op.Negated()
	case *logql.JSON:
		if len(s.Fields) > 0 {
			jsonFields(e, s.Fields)
		} else {
			jsonAll(e)
		}
	case *logql.Logfmt:
		logfmt(e, s)
	case *logql.Pattern:
		pattern(e, s.Pattern)
	case *logql.Regexp:
		re := compiled(s.Expression)
		if m := re.FindStringSubmatchIndex(e.line); m != nil {
			for i, name := range re.SubexpNames() {
				if name != "" && m[2*i] >= 0 {
					e.extract(name, e.line[m[2*i]:m[2*i+1]])
				}
			}
		}
	case *logql.Unpack:
		unpack(e)
	case *logql.LabelFilter:
		return holds(e, s.Predicate)
	case *logql.Decolorize:
		e.line = compiled(`\x1b\[[0-9;]*[a-zA-Z]`).ReplaceAllString(e.line, "")
	case *logql.Drop:
		for _, ref := range s.Labels {
			if l, ok := e.labels[ref.Name]; ok && refMeans(ref, l.value) {
				delete(e.labels, ref.Name)
			}
		}
	case *logql.Keep:
		for name, l := range e.labels {
			kept := strings.HasPrefix(name, "__error")
			for _, ref := range s.Labels {
				kept = kept || ref.Name == name && refMeans(ref, l.value)
			}
			if !kept {
				delete(e.labels, name)
			}
		}
	default: // line_format and label_format: templates have tests of their own
		template(e, s)
	}
	return true
}

var expressions sync.Map // of *regexp.Regexp by string

// compiled compiles an expression once.
func compiled(expression string) *regexp.Regexp {
	re, ok := expressions.Load(expression)
	if !ok {
		re, _ = expressions.LoadOrStore(expression, regexp.MustCompile(expression))
	}
	return re.(*regexp.Regexp)
}

func onLine(line string, op logql.LineOp, o logql.LineOperand) bool {
	switch {
	case o.IP:
		return hasIP(line, o.Text)
	case op == logql.LineContains || op == logql.LineNotContains:
		return strings.Contains(line, o.Text)
	case op == logql.LineMatches || op == logql.LineNotMatches:
		return compiled("(?s)" + o.Text).MatchString(line)
	}
	quoted := strings.ReplaceAll(regexp.QuoteMeta(o.Text), "<_>", ".*")
	return compiled("(?s)^" + quoted + "$").MatchString(line)
}

var ipLike = regexp.MustCompile(`[0-9a-fA-F]*:[0-9a-fA-F:]+|[0-9]+\.[0-9.]+`)

func hasIP(text, wanted string) bool {
	first, last, err := logql.ParseIP(wanted)
	if err != nil {
		return false
	}
	for _, candidate := range ipLike.FindAllString(text, -1) {
		addr, err := netip.ParseAddr(strings.TrimRight(candidate, ":."))
		if err == nil && addr.Compare(first) >= 0 && addr.Compare(last) <= 0 {
			return true
		}
	}
	return false
}

func refMeans(ref logql.LabelRef, value string) bool {
	return ref.Matcher == nil || matches(*ref.Matcher, value)
}

func matches(m logql.Matcher, value string) bool {
	switch m.Op {
	case logql.MatchEqual:
		return value == m.Value
	case logql.MatchNotEqual:
		return value != m.Value
	case logql.MatchRegexp:
		return compiled("^(?:" + m.Value + ")$").MatchString(value)
	default:
		return !compiled("^(?:" + m.Value + ")$").MatchString(value)
	}
}

// extract adds what a parser found: under another name where the stream has the name, and only the first of a name.
func (e *entry) extract(name, value string) {
	if l, ok := e.labels[name]; ok && l.kind == pipeline.Stream {
		name += "_extracted"
	}
	if l, ok := e.labels[name]; ok && l.kind == pipeline.Parsed {
		return
	}
	e.labels[name] = label{value, pipeline.Parsed}
}

func (e *entry) fail(err string) {
	e.labels["__error__"] = label{err, pipeline.Parsed}
}

// jsonAll reads token by token, so that what stands before an error counts.
func jsonAll(e *entry) {
	d := json.NewDecoder(strings.NewReader(e.line))
	d.UseNumber()
	token, err := d.Token()
	if token != json.Delim('{') || err != nil {
		e.fail("JSONParserErr")
		return
	}
	if jsonObject(e, d, "") != nil {
		e.fail("JSONParserErr")
		return
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		e.fail("JSONParserErr")
	}
}

func jsonObject(e *entry, d *json.Decoder, prefix string) error {
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return err
		}
		name := prefix + key.(string)
		token, err := d.Token()
		if err != nil {
			return err
		}
		switch v := token.(type) {
		case json.Delim:
			if v == '{' {
				if err := jsonObject(e, d, name+"_"); err != nil {
					return err
				}
				continue
			}
			for depth := 1; depth > 0; {
				inner, err := d.Token()
				if err != nil {
					return err
				}
				switch inner {
				case json.Delim('['), json.Delim('{'):
					depth++
				case json.Delim(']'), json.Delim('}'):
					depth--
				}
			}
		case string:
			e.extract(labelName(name), v)
		case json.Number:
			e.extract(labelName(name), string(v))
		case bool:
			e.extract(labelName(name), strconv.FormatBool(v))
		}
	}
	_, err := d.Token()
	return err
}

func jsonFields(e *entry, fields []logql.Extraction) {
	if !json.Valid([]byte(e.line)) || !strings.HasPrefix(e.line, "{") && !strings.HasPrefix(e.line, "[") {
		e.fail("JSONParserErr")
		return
	}
	for _, f := range fields {
		path, _ := logql.ParsePath(f.Path)
		raw, found := json.RawMessage(e.line), true
		for _, step := range path {
			var object map[string]json.RawMessage
			var array []json.RawMessage
			switch {
			case step.Index < 0 && json.Unmarshal(raw, &object) == nil:
				raw, found = object[step.Key], object[step.Key] != nil
			case step.Index >= 0 && json.Unmarshal(raw, &array) == nil && step.Index < len(array):
				raw = array[step.Index]
			default:
				found = false
			}
			if !found {
				break
			}
		}
		text := string(raw)
		var s string
		switch {
		case !found || text == "null":
			text = ""
		case json.Unmarshal(raw, &s) == nil:
			text = s
		}
		if _, has := e.labels[f.Label]; found || !has {
			e.extract(f.Label, text)
		}
	}
}

var (
	logfmtPair  = regexp.MustCompile(`^(?:"(?:[^"\\]|\\.)*"|[^\x00-\x20"])+|^[^\x00-\x20]+`)
	nextWord    = regexp.MustCompile(`^[^\x00-\x20]+`)
	closedQuote = regexp.MustCompile(`^="(?:[^"\\]|\\.)*"`)
)

func logfmt(e *entry, s *logql.Logfmt) {
	wanted := map[string][]string{}
	for _, f := range s.Fields {
		wanted[f.Path] = append(wanted[f.Path], f.Label)
	}
	trim := func(s string) string { return strings.TrimFunc(s, func(r rune) bool { return r <= ' ' }) } // controls part words, too
	for rest := trim(e.line); rest != ""; rest = trim(rest) {
		pair := logfmtPair.FindString(rest)
		key, value, hasValue := strings.Cut(pair, "=")
		if strings.HasPrefix(rest[len(key):], `="`) && !closedQuote.MatchString(rest[len(key):]) {
			pair, value = rest, `"` // a quote that never ends takes the rest of the line
		}
		quoted := strings.HasPrefix(value, `"`)
		bad := key == "" || strings.Contains(key, `"`) || !quoted && strings.ContainsAny(value, `="`)
		if bad { // it goes to the next space, whatever quotes say
			pair = nextWord.FindString(rest)
		}
		rest = rest[len(pair):]
		if quoted {
			unquoted, err := strconv.Unquote(value)
			bad = bad || err != nil
			value = unquoted
		}
		if bad {
			if s.Strict {
				e.fail("LogfmtParserErr")
				return
			}
			continue
		}
		if len(s.Fields) > 0 {
			for _, name := range wanted[key] {
				e.extract(name, value)
			}
			continue
		}
		if (value != "" || s.KeepEmpty) && (hasValue || s.KeepEmpty) {
			e.extract(labelName(key), value)
		}
	}
	for _, f := range s.Fields {
		if _, has := e.labels[f.Label]; !has {
			e.extract(f.Label, "")
		}
	}
}

// pattern tries the whole pattern, then without its last part, and so on: what matches of the front counts.
func pattern(e *entry, text string) {
	parts, _ := logql.ParsePattern(text)
	for n := len(parts); n > 0; n-- {
		re := "(?s)^"
		for i, part := range parts[:n] {
			switch {
			case part.Literal != "":
				re += regexp.QuoteMeta(part.Literal)
			case i == len(parts)-1:
				re += "(.*)$"
			case i == n-1:
				re = "" // a capture counts when the literal behind it is there
			default:
				re += "(.*?)"
			}
		}
		if re == "" {
			continue
		}
		m := compiled(re).FindStringSubmatch(e.line)
		if m == nil {
			continue
		}
		for _, part := range parts[:n] {
			if part.Literal == "" {
				if part.Capture != "_" && m[1] != "" {
					e.extract(part.Capture, m[1])
				}
				m = m[1:]
			}
		}
		return
	}
}

func unpack(e *entry) {
	var object map[string]any
	if json.Unmarshal([]byte(e.line), &object) != nil || object == nil {
		e.fail("JSONParserErr")
		return
	}
	line, packed := object["_entry"].(string)
	if !packed {
		return
	}
	e.line = line
	for key, value := range object {
		if text, ok := value.(string); ok && key != "_entry" {
			e.extract(labelName(key), text)
		}
	}
}

func holds(e *entry, p logql.Predicate) bool {
	switch p := p.(type) {
	case *logql.AndPredicate:
		return holds(e, p.Left) && holds(e, p.Right)
	case *logql.OrPredicate:
		return holds(e, p.Left) || holds(e, p.Right)
	case *logql.MatchPredicate:
		return matches(p.Matcher, e.labels.get(p.Name))
	case *logql.NumberPredicate:
		return compares(e, p.Name, p.Op, p.Value, func(s string) (float64, error) { return strconv.ParseFloat(s, 64) })
	case *logql.DurationPredicate:
		return compares(e, p.Name, p.Op, float64(p.Value), func(s string) (float64, error) {
			d, err := time.ParseDuration(s)
			return float64(d), err
		})
	case *logql.BytesPredicate:
		return compares(e, p.Name, p.Op, float64(p.Value), func(s string) (float64, error) {
			n, err := humanize.ParseBytes(s)
			return float64(n), err
		})
	case *logql.IPPredicate:
		if e.labels.get("__error__") != "" {
			return true
		}
		l, ok := e.labels[p.Name]
		return ok && hasIP(l.value, p.Pattern) != p.Negated
	}
	return false
}

func compares(e *entry, name string, op logql.CompareOp, with float64, parse func(string) (float64, error)) bool {
	if strings.HasPrefix(name, "__error") {
		return false
	}
	l, ok := e.labels[name]
	if !ok {
		return false
	}
	n, err := parse(l.value)
	if err != nil {
		e.fail("LabelFilterErr")
		return true
	}
	return map[logql.CompareOp]bool{
		logql.CompareEqual: n == with, logql.CompareNotEqual: n != with, logql.CompareGreater: n > with,
		logql.CompareGreaterEqual: n >= with, logql.CompareLess: n < with, logql.CompareLessEqual: n <= with,
	}[op]
}

// template borrows the real stage.
func template(e *entry, s logql.Stage) {
	p, err := pipeline.Compile([]logql.Stage{s}, pipeline.Options{Now: Base})
	if err != nil {
		panic(err) // cases with such templates are not evaluated
	}
	var real pipeline.Entry
	real.Time, real.Line = e.time, e.line
	var all []pipeline.Label
	for name, l := range e.labels {
		all = append(all, pipeline.Label{Name: name, Value: l.value, Kind: l.kind})
	}
	real.Labels.Reset(all, nil)
	p.Process(&real)
	e.line, e.labels = strings.Clone(real.Line), labels{}
	for _, l := range real.Labels.List() {
		e.labels[l.Name] = label{strings.Clone(l.Value), l.Kind}
	}
	if err, _ := real.Labels.Error(); err != "" {
		e.fail(err)
	}
}
