package logql

import "strings"

const lineWidth = 80

// Format gives the query as a person would lay it out: on one line when it fits, else a stage or an operand a line. Parsing
// that gives an equal Expr.
func Format(e Expr) string {
	var b strings.Builder
	format(&b, e, 0)
	return b.String()
}

func format(b *strings.Builder, e Expr, level int) {
	if s := e.String(); len(s)+2*level <= lineWidth {
		indent(b, level, s)
		return
	}
	switch e := e.(type) {
	case *LogQuery:
		formatLog(b, e, level)
	case *RangeAggregation:
		indent(b, level, e.Op.String()+"(\n")
		if e.Op == RangeQuantile {
			indent(b, level+1, formatNumber(e.Param)+",\n")
		}
		formatLog(b, e.Range.Log, level+1)
		b.WriteByte('\n')
		if u := e.Range.Unwrap; u != nil {
			indent(b, level+2, (&Unwrap{Label: u.Label, Conversion: u.Conversion}).String()+"\n")
			for _, f := range u.Filters {
				indent(b, level+2, f.String()+"\n")
			}
		}
		indent(b, level+1, e.Range.window()+"\n")
		indent(b, level, ")"+e.Grouping.suffix())
	case *VectorAggregation:
		head := e.Op.String()
		if e.Grouping != nil {
			head += e.Grouping.suffix() + " "
		}
		indent(b, level, head+"(\n")
		if vectorOps[e.Op].param {
			indent(b, level+1, formatNumber(float64(e.Param))+",\n")
		}
		format(b, e.Inner, level+1)
		b.WriteByte('\n')
		indent(b, level, ")")
	case *Binary:
		formatOperand(b, e.Left, e.Op, false, level)
		b.WriteByte('\n')
		indent(b, level, e.operator()+"\n")
		formatOperand(b, e.Right, e.Op, true, level)
	case *LabelReplace:
		indent(b, level, "label_replace(\n")
		format(b, e.Inner, level+1)
		b.WriteString(",\n")
		indent(b, level+1, quote(e.Destination)+", "+quote(e.Replacement)+", "+quote(e.Source)+", "+quote(e.Regexp)+"\n")
		indent(b, level, ")")
	default:
		indent(b, level, e.String())
	}
}

func formatLog(b *strings.Builder, q *LogQuery, level int) {
	indent(b, level, q.Selector.String())
	for _, s := range q.Stages {
		b.WriteByte('\n')
		indent(b, level+1, s.String())
	}
}

func formatOperand(b *strings.Builder, e SampleExpr, parent BinaryOp, right bool, level int) {
	if !needsBrackets(e, parent, right) {
		format(b, e, level+1)
		return
	}
	indent(b, level+1, "(\n")
	format(b, e, level+2)
	b.WriteByte('\n')
	indent(b, level+1, ")")
}

func indent(b *strings.Builder, level int, s string) {
	b.WriteString(strings.Repeat("  ", level))
	b.WriteString(s)
}
