package verify

import (
	"context"
	"iter"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/instantdevlogs/devlogs/replay/canon"
	"github.com/instantdevlogs/devlogs/replay/ledger"
)

// Source is where the records of a run should be found. Methods are not called concurrently, but for Lookup.
type Source interface {
	// Count says how many records there are now, of the window and of this run if the source can tell. Only its standing
	// still matters.
	Count(ctx context.Context, window Window) (uint64, error)
	// Scan yields every record in the window, those of other runs too when the source can't tell them apart. A record is
	// valid until the next one. An error is the last thing it yields.
	Scan(ctx context.Context, window Window) iter.Seq2[*canon.Record, error]
	// Traits say what the source is like.
	Traits() Traits
}

// Finder is a source that can look up one record, which is what measuring the time until it can be found takes.
type Finder interface {
	// Lookup says whether the record with this uid and this event time is there. Safe for concurrent use.
	Lookup(ctx context.Context, uid string, at pcommon.Timestamp) (bool, error)
}

// Traits of a source.
type Traits struct {
	Name string
	// Live sources may still change: verify waits until they don't.
	Live bool
	// Exclusive sources hold nothing but this run, so whatever is not of it is foreign.
	Exclusive bool
	Order     Order
	// Keeps reduces a record to what the source keeps of it; what was sent is compared in that form. nil: it keeps all.
	Keeps canon.Projection
}

// Order is the order in which a source yields records.
type Order uint8

const (
	NoOrder   Order = iota // any
	ByArrival              // as they came
	ByTime                 // by event time, and by arrival where that is equal
)

// Window bounds the event times of what was sent; both ends belong to it.
type Window struct{ From, To pcommon.Timestamp }

// Sent is one request as it was put on the wire.
type Sent struct {
	Request ledger.Request
	Logs    plog.Logs
}

// Expected yields every request of the ledger once, in any order. It is called twice when something is to be explained.
type Expected func(ctx context.Context) iter.Seq2[Sent, error]
