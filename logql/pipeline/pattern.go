package pipeline

import (
	"strings"

	"github.com/instantdevlogs/devlogs/logql"
)

// pattern extracts what stands between literals.
type pattern struct {
	parts []logql.PatternPart
	names []labelName // by part; the zero name for literals and <_>
}

func newPattern(s *logql.Pattern) (*pattern, error) {
	parts, err := logql.ParsePattern(s.Pattern)
	if err != nil {
		return nil, logql.Errorf("invalid pattern: %v", err)
	}
	p := &pattern{parts: parts, names: make([]labelName, len(parts))}
	for i, part := range parts {
		if part.Literal == "" && part.Capture != "_" {
			p.names[i] = newLabelName(part.Capture)
		}
	}
	return p, nil
}

// process captures up to the first literal that the line does not have.
func (p *pattern) process(e *Entry) bool {
	rest := e.Line
	if first := p.parts[0].Literal; !strings.HasPrefix(rest, first) {
		return true
	}
	for i := range p.parts {
		if literal := p.parts[i].Literal; literal != "" {
			rest = rest[len(literal):]
			continue
		}
		end := len(rest)
		if i+1 < len(p.parts) {
			if end = strings.Index(rest, p.parts[i+1].Literal); end < 0 {
				return true
			}
		}
		if p.names[i].plain != "" && end > 0 {
			e.Labels.extract(p.names[i], rest[:end])
		}
		rest = rest[end:]
	}
	return true
}
