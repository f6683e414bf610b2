package pipeline

import (
	"slices"
	"strings"
)

// Kind says where a label comes from.
type Kind uint8

const (
	Stream   Kind = iota // the resource: what Loki indexes
	Metadata             // the record: Loki's structured metadata
	Parsed               // made by the query
)

// Label is a name and a value.
type Label struct {
	Name, Value string
	Kind        Kind
}

// Labels of failed stages.
const (
	ErrorLabel        = "__error__"
	ErrorDetailsLabel = "__error_details__"
)

// FilterError is what __error__ says of an entry with a label that a filter can't read as a number, duration or size.
const FilterError = "LabelFilterErr"

// What __error__ says.
const (
	errJSON     = "JSONParserErr"
	errLogfmt   = "LogfmtParserErr"
	errTemplate = "TemplateFormatErr"
	errFilter   = FilterError
	errSample   = "SampleExtractionErr"
)

// extracted is put behind the name of a parsed label that the stream has already.
const extracted = "_extracted"

// Labels are the labels of one entry, at most one of each name, in no particular order.
type Labels struct {
	list         []Label
	err, details string
}

// Reset takes the labels an entry comes with. Both slices are copied.
func (l *Labels) Reset(stream, metadata []Label) {
	l.list = append(append(l.list[:0], stream...), metadata...)
	l.err, l.details = "", ""
}

// Get returns the value of a label.
func (l *Labels) Get(name string) (value string, ok bool) {
	if i := l.find(name); i >= 0 {
		return l.list[i].Value, true
	}
	switch name {
	case ErrorLabel:
		return l.err, l.err != ""
	case ErrorDetailsLabel:
		return l.details, l.details != ""
	}
	return "", false
}

// Error is the text of __error__ and __error_details__, empty when no stage failed.
func (l *Labels) Error() (err, details string) { return l.err, l.details }

// Set gives a label a value, whatever it was.
func (l *Labels) Set(name, value string, kind Kind) {
	if i := l.find(name); i >= 0 {
		l.list[i] = Label{name, value, kind}
		return
	}
	l.list = append(l.list, Label{name, value, kind})
}

// Delete removes a label.
func (l *Labels) Delete(name string) {
	switch i := l.find(name); {
	case i >= 0:
		last := len(l.list) - 1
		l.list[i] = l.list[last]
		l.list = l.list[:last]
	case name == ErrorLabel:
		l.err = ""
	case name == ErrorDetailsLabel:
		l.details = ""
	}
}

// List gives the labels, without those of errors. It is valid until the labels change.
func (l *Labels) List() []Label { return l.list }

// AppendTo appends all labels to dst, those of errors included, ordered by name.
func (l *Labels) AppendTo(dst []Label) []Label {
	start := len(dst)
	dst = append(dst, l.list...)
	if l.err != "" {
		dst = append(dst, Label{ErrorLabel, l.err, Parsed})
	}
	if l.details != "" {
		dst = append(dst, Label{ErrorDetailsLabel, l.details, Parsed})
	}
	slices.SortFunc(dst[start:], func(a, b Label) int { return strings.Compare(a.Name, b.Name) })
	return dst
}

func (l *Labels) find(name string) int {
	for i := range l.list {
		if l.list[i].Name == name {
			return i
		}
	}
	return -1
}

// extract adds a label that a parser found. What the stream has keeps its name; what was parsed before keeps its value.
func (l *Labels) extract(n labelName, value string) {
	name := n.plain
	i := l.find(name)
	if i >= 0 && l.list[i].Kind == Stream {
		name = n.suffixed
		i = l.find(name)
	}
	switch {
	case i < 0:
		l.list = append(l.list, Label{name, value, Parsed})
	case l.list[i].Kind == Metadata:
		l.list[i] = Label{name, value, Parsed}
	}
}

// fail notes that a stage failed. The last error stays.
func (l *Labels) fail(err, details string) { l.err, l.details = err, details }

// labelName is the name of a parsed label, and the name it takes when the stream has the first.
type labelName struct{ plain, suffixed string }

func newLabelName(name string) labelName { return labelName{name, name + extracted} }

// maxNames bounds the memory for names: lines with ever new keys must not fill it.
const maxNames = 10_000

// names keeps the label names that a parser made of keys.
type names struct{ known map[string]labelName }

func newNames() names { return names{map[string]labelName{}} }

// of returns the label name of a key; ok is false when the key has no usable character.
func (n *names) of(key []byte) (name labelName, ok bool) {
	if name, ok = n.known[string(key)]; ok {
		return name, name.plain != ""
	}
	name = newLabelName(sanitize(string(key)))
	if len(n.known) >= maxNames {
		clear(n.known)
	}
	n.known[string(key)] = name
	return name, name.plain != ""
}

// sanitize makes a label name of a key: what is not a letter, digit or underscore becomes an underscore.
func sanitize(key string) string {
	key = strings.TrimSpace(key)
	if key == "" {
		return ""
	}
	var b strings.Builder
	if key[0] >= '0' && key[0] <= '9' {
		b.WriteByte('_')
	}
	for _, r := range key {
		if r == '_' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' {
			b.WriteByte(byte(r))
		} else {
			b.WriteByte('_')
		}
	}
	return b.String()
}
