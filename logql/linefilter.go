package logql

import (
	"fmt"
	"net/netip"
	"strings"
)

// LineOp is the operator of a line filter.
type LineOp uint8

const (
	LineContains LineOp = iota
	LineNotContains
	LineMatches
	LineNotMatches
	LinePattern
	LineNotPattern
)

var lineOps = [...]string{"|=", "!=", "|~", "!~", "|>", "!>"}

func (o LineOp) String() string { return lineOps[o] }

// Negated tells whether the operator keeps the lines on which no operand is found.
func (o LineOp) Negated() bool { return o%2 == 1 }

// LineFilter keeps lines on which one of the operands is found; with a negated operator, lines on which none is.
type LineFilter struct {
	Op       LineOp
	Operands []LineOperand
}

// LineOperand is what a line filter looks for: text, an RE2 expression or a pattern, by the filter's operator.
type LineOperand struct {
	Text string
	IP   bool // Text is an address, a range or a prefix: see ParseIP
}

func (f *LineFilter) String() string {
	parts := make([]string, len(f.Operands))
	for i, o := range f.Operands {
		parts[i] = quote(o.Text)
		if o.IP {
			parts[i] = "ip(" + parts[i] + ")"
		}
	}
	return f.Op.String() + " " + strings.Join(parts, " or ")
}

func isLineOp(t token) bool {
	_, ok := lineOp(t)
	return ok
}

func lineOp(t token) (LineOp, bool) {
	if t.kind == tokOp {
		for op, text := range lineOps {
			if t.text == text {
				return LineOp(op), true
			}
		}
	}
	return 0, false
}

func (p *parser) lineFilter() (*LineFilter, error) {
	op, _ := lineOp(p.take())
	f := &LineFilter{Op: op}
	for {
		operand, err := p.lineOperand(op)
		if err != nil {
			return nil, err
		}
		f.Operands = append(f.Operands, operand)
		if !p.acceptWord("or") {
			return f, nil
		}
		if err := p.count(); err != nil {
			return nil, err
		}
	}
}

func (p *parser) lineOperand(op LineOp) (LineOperand, error) {
	t := p.peek()
	if t.word("ip") {
		if op != LineContains && op != LineNotContains {
			return LineOperand{}, p.fail(t, "ip() goes with |= and != only, not with %s", op)
		}
		text, err := p.ip()
		return LineOperand{Text: text, IP: true}, err
	}
	text, err := p.expectString("behind " + escapePercent(op.String()))
	if err != nil {
		return LineOperand{}, err
	}
	switch op {
	case LineMatches, LineNotMatches:
		err = p.regexp(t, text)
	case LinePattern, LineNotPattern:
		if _, bad := ParseLinePattern(text); bad != nil {
			err = p.fail(t, "invalid pattern: %v", bad)
		}
	}
	return LineOperand{Text: text}, err
}

// ip reads ip("…").
func (p *parser) ip() (string, error) {
	p.take()
	if err := p.expect("(", "behind ip"); err != nil {
		return "", err
	}
	t := p.peek()
	text, err := p.expectString("such as ip(\"10.0.0.0/8\")")
	if err != nil {
		return "", err
	}
	if _, _, err := ParseIP(text); err != nil {
		return "", p.fail(t, "%v", err)
	}
	return text, p.expect(")", "behind ip(\"…\"")
}

// ParseIP reads what ip() takes: an address, "from-to", or a prefix such as 10.0.0.0/8. It returns the first and the last
// address that match, which are both IPv4 or both IPv6.
func ParseIP(s string) (first, last netip.Addr, err error) {
	bad := fmt.Errorf("ip(%q): expected an address, a range \"from-to\" or a prefix such as \"10.0.0.0/8\"", s)
	if prefix, err := netip.ParsePrefix(s); err == nil {
		first = prefix.Masked().Addr()
		return first, lastOf(prefix), nil
	}
	from, to, isRange := strings.Cut(s, "-")
	if first, err = netip.ParseAddr(strings.TrimSpace(from)); err != nil {
		return first, last, bad
	}
	if !isRange {
		return first, first, nil
	}
	if last, err = netip.ParseAddr(strings.TrimSpace(to)); err != nil || first.Is4() != last.Is4() || last.Less(first) {
		return first, last, bad
	}
	return first, last, nil
}

func lastOf(prefix netip.Prefix) netip.Addr {
	bytes := prefix.Masked().Addr().AsSlice()
	for bit := prefix.Bits(); bit < len(bytes)*8; bit++ {
		bytes[bit/8] |= 0x80 >> (bit % 8)
	}
	last, _ := netip.AddrFromSlice(bytes)
	return last
}
