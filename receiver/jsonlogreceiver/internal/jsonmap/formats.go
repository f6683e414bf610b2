package jsonmap

import (
	"strconv"
	"strings"

	"github.com/instantdevlogs/devlogs/receiver/jsonlogreceiver/internal/jsontape"
	"go.opentelemetry.io/collector/pdata/pcommon"
)

// recogniseFormats does what a format means beyond the names of its members. Each format is told by members that it always
// has.
func (m *Mapper) recogniseFormats() {
	switch m.sources[message] {
	case "@mt":
		m.renderTemplate()
	case "log": // Docker's and Kubernetes' files keep the line end
		m.record.bodyText = strings.TrimSuffix(m.tape.Str(m.record.body), "\n")
		m.record.body = 0
	case "short_message":
		m.gelf()
	case "MESSAGE":
		m.journald()
	}
	switch m.sources[timestamp] {
	case "@t": // CLEF leaves out the level when it is Information
		if m.sources[severity] == "" && (m.sources[message] == "@m" || m.sources[message] == "@mt") {
			m.record.Severity = 9
		}
	case "":
		m.googleTime()
	}
	if m.sources[service] == "" {
		m.bunyan()
	}
}

// gelf drops the underscore that marks additional fields on the wire (GELF payload specification 1.1).
func (m *Mapper) gelf() {
	if m.find("version") == 0 {
		return
	}
	for i := range m.fields {
		if name, ok := strings.CutPrefix(m.fields[i].name, "_"); ok && name != "" {
			m.fields[i].name = name
		}
	}
}

// journald reads the array of bytes that stands for a message with control characters ("Journal JSON Format").
func (m *Mapper) journald() {
	body := m.record.body
	if m.tape.Nodes[body].Kind != jsontape.Array {
		return
	}
	var text []byte
	for e := range m.tape.Elements(body) {
		c, err := strconv.ParseUint(m.tape.Raw(e), 10, 8)
		if err != nil || m.tape.Nodes[e].Kind != jsontape.Int {
			return
		}
		text = append(text, byte(c))
	}
	m.record.bodyText, m.record.body = strings.ToValidUTF8(string(text), "\uFFFD"), 0
}

// googleTime reads the pair timestampSeconds and timestampNanos of Google Cloud's structured logging.
func (m *Mapper) googleTime() {
	seconds, nanos := m.find("timestampSeconds"), m.find("timestampNanos")
	if seconds == 0 || nanos == 0 {
		return
	}
	s, ok := parseUnix(m.tape.Raw(seconds))
	n, err := strconv.ParseUint(m.tape.Raw(nanos), 10, 32)
	if ok && err == nil && n < 1e9 {
		m.record.Time = s + pcommon.Timestamp(n)
		m.sources[timestamp] = "timestampSeconds"
		m.tape.Take(seconds)
		m.tape.Take(nanos)
	}
}

// bunyan takes "name" for the service in the records of bunyan and pino, which always have pid and hostname too.
// Elsewhere a name can be anything: Python's is the logger's.
func (m *Mapper) bunyan() {
	if name := m.find("name"); name != 0 && m.find("pid") != 0 && m.hasResource("host.name") {
		if m.tape.Nodes[name].Kind == jsontape.String && m.offerResource("service.name", name) {
			m.sources[service] = "name"
		}
	}
}

// find is the node of an attribute, 0 when there is none.
func (m *Mapper) find(name string) uint32 {
	for i := range m.fields {
		if m.fields[i].name == name && !m.tape.Taken(m.fields[i].node) {
			return m.fields[i].node
		}
	}
	return 0
}

func (m *Mapper) hasResource(name string) bool {
	for i := range m.resource {
		if m.resource[i].name == name {
			return true
		}
	}
	return false
}

// renderTemplate fills in a CLEF message template (https://messagetemplates.org): {Name}, {@Name}, {Name,8:000}. Values
// with a format are in @r, one for each such token in order. The template stays an attribute.
func (m *Mapper) renderTemplate() {
	template := m.tape.Str(m.record.body)
	if !strings.ContainsAny(template, "{}") {
		return
	}
	renderings := m.find("@r")
	next := renderings + 1
	var out strings.Builder
	for template != "" {
		i := strings.IndexAny(template, "{}")
		if i < 0 {
			break
		}
		out.WriteString(template[:i])
		brace := template[i]
		template = template[i+1:]
		if template != "" && template[0] == brace {
			out.WriteByte(brace)
			template = template[1:]
			continue
		}
		end := strings.IndexByte(template, '}')
		if brace == '}' || end < 0 {
			out.WriteByte(brace)
			continue
		}
		token := template[:end]
		template = template[end+1:]
		name, format, formatted := strings.Cut(token, ":")
		name, _, _ = strings.Cut(strings.TrimLeft(name, "@$"), ",")
		if formatted && format != "" && renderings != 0 && next < m.tape.Nodes[renderings].Next {
			out.WriteString(m.text(next))
			next = m.tape.Nodes[next].Next
		} else if value := m.find(name); value != 0 {
			out.WriteString(m.text(value))
		} else {
			out.WriteString("{" + token + "}")
		}
	}
	out.WriteString(template)
	m.record.bodyText, m.record.body = out.String(), 0
}

func (m *Mapper) text(node uint32) string {
	if m.tape.Nodes[node].Kind == jsontape.String {
		return m.tape.Str(node)
	}
	return m.tape.Raw(node)
}
