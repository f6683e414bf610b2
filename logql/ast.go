package logql

// Expr is a parsed query: a *LogQuery or a SampleExpr. An Expr is not changed after Parse returns it and may be shared.
type Expr interface {
	// String gives the query on one line in canonical form. Parsing that gives an equal Expr.
	String() string
	isExpr()
}

// SampleExpr is an expression that has numbers as its value: *RangeAggregation, *VectorAggregation, *Binary, *Literal,
// *Vector or *LabelReplace.
type SampleExpr interface {
	Expr
	isSample()
}

// LogQuery selects log entries and sends each through the stages in turn.
type LogQuery struct {
	Selector Selector
	Stages   []Stage
}

// Stage is one step of a pipeline: *LineFilter, *JSON, *Logfmt, *Pattern, *Regexp, *Unpack, *LabelFilter, *LineFormat,
// *LabelFormat, *Decolorize, *Drop or *Keep.
type Stage interface {
	// String gives the stage as it stands in a query, with its leading "|".
	String() string
	isStage()
}

func (*LogQuery) isExpr()          {}
func (*RangeAggregation) isExpr()  {}
func (*VectorAggregation) isExpr() {}
func (*Binary) isExpr()            {}
func (*Literal) isExpr()           {}
func (*Vector) isExpr()            {}
func (*LabelReplace) isExpr()      {}

func (*RangeAggregation) isSample()  {}
func (*VectorAggregation) isSample() {}
func (*Binary) isSample()            {}
func (*Literal) isSample()           {}
func (*Vector) isSample()            {}
func (*LabelReplace) isSample()      {}

func (*LineFilter) isStage()  {}
func (*JSON) isStage()        {}
func (*Logfmt) isStage()      {}
func (*Pattern) isStage()     {}
func (*Regexp) isStage()      {}
func (*Unpack) isStage()      {}
func (*LabelFilter) isStage() {}
func (*LineFormat) isStage()  {}
func (*LabelFormat) isStage() {}
func (*Decolorize) isStage()  {}
func (*Drop) isStage()        {}
func (*Keep) isStage()        {}
