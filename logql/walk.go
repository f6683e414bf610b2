package logql

// Ranges lists the ranges in an expression, from left to right.
func Ranges(e Expr) []*Range {
	switch e := e.(type) {
	case *RangeAggregation:
		return []*Range{e.Range}
	case *VectorAggregation:
		return Ranges(e.Inner)
	case *LabelReplace:
		return Ranges(e.Inner)
	case *Binary:
		return append(Ranges(e.Left), Ranges(e.Right)...)
	}
	return nil
}
