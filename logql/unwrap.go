package logql

// Unwrap takes the sample of each entry from a label.
type Unwrap struct {
	Label      string
	Conversion Conversion
	Filters    []*LabelFilter // behind it: mostly to drop entries whose label could not be read (__error__="")
}

// Conversion says how the text of an unwrapped label becomes a number.
type Conversion uint8

const (
	ConvertNumber          Conversion = iota
	ConvertDuration                   // duration(): Go's durations, in seconds
	ConvertDurationSeconds            // duration_seconds(): the same under its long name
	ConvertBytes                      // bytes(): sizes
)

var conversions = [...]string{"", "duration", "duration_seconds", "bytes"}

func (c Conversion) String() string { return conversions[c] }

func (u *Unwrap) String() string {
	s := "| unwrap " + u.Label
	if u.Conversion != ConvertNumber {
		s = "| unwrap " + u.Conversion.String() + "(" + u.Label + ")"
	}
	for _, f := range u.Filters {
		s += " " + f.String()
	}
	return s
}

// unwrap reads an unwrap and the label filters behind it.
func (p *parser) unwrap() (*Unwrap, error) {
	p.take()
	p.take()
	u := &Unwrap{}
	if p.peek().kind == tokName && p.peekAt(1).is("(") {
		t := p.take()
		switch t.text {
		case "duration":
			u.Conversion = ConvertDuration
		case "duration_seconds":
			u.Conversion = ConvertDurationSeconds
		case "bytes":
			u.Conversion = ConvertBytes
		default:
			return nil, p.fail(t, "unknown conversion %s(): expected bytes(), duration() or duration_seconds()", t.text)
		}
		p.take()
	}
	var err error
	if u.Label, err = p.expectName("behind unwrap"); err != nil {
		return nil, err
	}
	if u.Conversion != ConvertNumber {
		if err := p.expect(")", "behind the label "+u.Label); err != nil {
			return nil, err
		}
	}
	for p.peek().is("|") {
		p.take()
		if p.peek().kind != tokName && !p.peek().is("(") || p.peek().kind == tokName && !isComparison(p.peekAt(1)) {
			return nil, p.unexpected("a label filter: nothing else may stand behind unwrap")
		}
		filter, err := p.labelFilter()
		if err != nil {
			return nil, err
		}
		u.Filters = append(u.Filters, filter)
	}
	if isLineOp(p.peek()) {
		return nil, p.unexpected("\"[\" or a label filter: nothing else may stand behind unwrap")
	}
	return u, nil
}
