package logql

import "strings"

func (q *LogQuery) String() string {
	if len(q.Stages) == 0 {
		return q.Selector.String()
	}
	var b strings.Builder
	b.WriteString(q.Selector.String())
	for _, s := range q.Stages {
		b.WriteByte(' ')
		b.WriteString(s.String())
	}
	return b.String()
}

func (p *parser) logQuery() (*LogQuery, error) {
	if p.peek().is("(") {
		if err := p.deeper(); err != nil {
			return nil, err
		}
		p.take()
		q, err := p.logQuery()
		if err != nil {
			return nil, err
		}
		p.depth--
		return q, p.expect(")", "to close the query's bracket")
	}
	selector, err := p.selector()
	if err != nil {
		return nil, err
	}
	q := &LogQuery{Selector: selector}
	q.Stages, err = p.stages()
	if err != nil {
		return nil, err
	}
	if t := p.peek(); t.is("|") && p.peekAt(1).word("unwrap") {
		return nil, p.fail(t, "unwrap makes numbers of entries: expected it inside a range aggregation such as sum_over_time({…} | unwrap %s [5m])", unwrapExample(p.peekAt(2)))
	}
	return q, nil
}

func unwrapExample(t token) string {
	if t.kind == tokName {
		return t.text
	}
	return "bytes"
}

// stages reads as many stages as there are, up to an unwrap.
func (p *parser) stages() ([]Stage, error) {
	var stages []Stage
	for {
		var stage Stage
		var err error
		switch t := p.peek(); {
		case t.is("|"):
			if p.peekAt(1).word("unwrap") && !isLabelComparison(p.peekAt(2)) {
				return stages, nil
			}
			p.take()
			stage, err = p.pipeStage()
		case isLineOp(t):
			stage, err = p.lineFilter()
		default:
			return stages, nil
		}
		if err != nil {
			return nil, err
		}
		if err := p.count(); err != nil {
			return nil, err
		}
		stages = append(stages, stage)
	}
}

// pipeStage reads what follows a "|". A word of the language is a label name when a comparison follows it that can't start
// a line filter.
func (p *parser) pipeStage() (Stage, error) {
	t := p.peek()
	if t.kind == tokName && !isLabelComparison(p.peekAt(1)) {
		switch t.text {
		case "json":
			return p.json()
		case "logfmt":
			return p.logfmt()
		case "pattern":
			return p.pattern()
		case "regexp":
			return p.regexpParser()
		case "unpack":
			p.take()
			return &Unpack{}, nil
		case "line_format":
			return p.lineFormat()
		case "label_format":
			return p.labelFormat()
		case "decolorize":
			p.take()
			return &Decolorize{}, nil
		case "drop":
			p.take()
			labels, err := p.labelRefs("drop")
			return &Drop{Labels: labels}, err
		case "keep":
			p.take()
			labels, err := p.labelRefs("keep")
			return &Keep{Labels: labels}, err
		}
	}
	if t.kind != tokName && !t.is("(") {
		return nil, p.unexpected("a parser (json, logfmt, pattern, regexp, unpack), a label filter, or one of line_format, label_format, decolorize, drop, keep behind \"|\"")
	}
	return p.labelFilter()
}

func isLabelComparison(t token) bool {
	switch t.text {
	case "=", "=~", "==", ">", ">=", "<", "<=":
		return t.kind == tokOp
	}
	return false
}
