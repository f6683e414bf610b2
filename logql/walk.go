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

// IsScalar tells whether an expression is a number rather than a vector.
func IsScalar(e SampleExpr) bool {
	switch e := e.(type) {
	case *Literal:
		return true
	case *Binary:
		return IsScalar(e.Left) && IsScalar(e.Right)
	}
	return false
}
