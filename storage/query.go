package storage

import (
	"math"

	"go.opentelemetry.io/collector/pdata/pcommon"
)

// Direction is the order in which Search yields.
type Direction uint8

const (
	NewestFirst Direction = iota
	OldestFirst
)

// Query selects records. It holds only what a store can answer by itself; a LogQL pipeline beyond that runs over the
// stream of records that Search yields.
type Query struct {
	Tenant    string
	Start     pcommon.Timestamp // inclusive
	End       pcommon.Timestamp // exclusive; EndOfTime includes the last nanosecond too
	Where     Expr              // nil matches everything
	Direction Direction
	Limit     int       // 0: no limit
	After     *Position // start after this record, in Direction; nil: from the beginning
}

// EndOfTime as Query.End means "no end".
const EndOfTime = pcommon.Timestamp(math.MaxUint64)

// Aggregation counts instead of listing.
type Aggregation struct {
	Query
	// Step is the width of a bucket in nanoseconds; bucket k covers [Origin+k*Step, Origin+(k+1)*Step). 0: one bucket.
	Step   uint64
	Origin pcommon.Timestamp
	By     []FieldRef // group by these; none: one group
	// Number, when set, adds Sum, Min and Max of this field's numeric value over the records that have one.
	Number *FieldRef
	// Bytes asks for the bytes of the bodies; without it Point.Bytes is 0, as reading bodies costs.
	Bytes bool
	// Top, when not 0, keeps only the groups with the most records: at most Top in each bucket.
	Top int
}

// Point is one row of an Aggregate answer.
type Point struct {
	Bucket        pcommon.Timestamp // start of the bucket; Query.Start when Step is 0
	Group         []string          // one text for each of By; "" where the record lacks the field
	Count         uint64
	Bytes         uint64
	Numbers       uint64 // how many records had a number
	Sum, Min, Max float64
}

// FieldKind says where a record keeps a field.
type FieldKind uint8

const (
	FieldBody     FieldKind = iota
	FieldSeverity           // the number
	FieldSeverityText
	FieldStream  // the stream id in decimal
	FieldTraceID // 32 hex digits, "" when absent
	FieldSpanID  // 16 hex digits, "" when absent
	FieldEventName
	FieldFlags
	FieldObserved  // nanoseconds in decimal
	FieldAttribute // a record attribute: FieldRef.Path
)

// FieldRef names a field of a record. What a resource or a scope holds is not among them: callers look it up with
// Reader.Streams and narrow a query with InStreams.
type FieldRef struct {
	Kind FieldKind
	// Path, for FieldAttribute: the key, and below it the keys into nested maps. ["http.status_code"] is one key that holds
	// a dot; ["http", "status_code"] is a map in a map.
	Path []string
}

// Attribute is the FieldRef of a top-level record attribute.
func Attribute(key string) FieldRef { return FieldRef{Kind: FieldAttribute, Path: []string{key}} }

// Expr is a condition on a record. The types below are all there are.
type Expr interface{ expr() }

type (
	// And holds when all hold; the empty And holds always.
	And []Expr
	// Or holds when one holds; the empty Or holds never.
	Or []Expr
	// Not holds when X does not.
	Not struct{ X Expr }
	// InStreams holds when the record's stream is one of IDs; the empty list holds never.
	InStreams struct{ IDs []uint64 }
	// Text compares a field's text. A field that the record lacks has the text "". Numbers read as in JSON ("1", "0.25"),
	// booleans "true" and "false", maps and arrays as their typed JSON.
	Text struct {
		Field FieldRef
		Op    TextOp
		Value string // for TextMatch an RE2 expression, unanchored
		Fold  bool   // ignore case (Unicode simple folding); for TextMatch write (?i) instead
	}
	// Number compares a field as a number. It never holds for a field that is absent or is not a number (numeric text
	// counts as a number).
	Number struct {
		Field FieldRef
		Op    NumberOp
		Value float64
	}
	// Has holds when the record has the attribute, whatever its value. For other fields: when it is not empty or zero.
	Has struct{ Field FieldRef }
)

func (And) expr()       {}
func (Or) expr()        {}
func (Not) expr()       {}
func (InStreams) expr() {}
func (Text) expr()      {}
func (Number) expr()    {}
func (Has) expr()       {}

// TextOp is a comparison of texts. Negations are written with Not.
type TextOp uint8

const (
	TextEqual TextOp = iota
	TextContains
	TextMatch
)

// NumberOp is a comparison of numbers.
type NumberOp uint8

const (
	NumberEqual NumberOp = iota
	NumberLess
	NumberLessEqual
	NumberGreater
	NumberGreaterEqual
)
