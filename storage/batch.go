package storage

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
)

// Batch is what one request stores: all of it or nothing.
type Batch struct {
	// ID is made by the producer. Writing the same ID again stores nothing and succeeds, so a producer may retry until it
	// hears an answer.
	ID   uuid.UUID
	Rows *Rows
	// Payload tells what the producer sent under ID. Writing the same ID again with a payload that differs fails with
	// ErrOtherPayload.
	Payload Fingerprint
}

// Writer keeps batches.
type Writer interface {
	// Write returns nil when every row of the batch is durable: it survives kill -9 and power loss. On an error that is
	// an *UnavailableError the batch may be tried again with the same ID; any other error will not go away by trying. One
	// that is ErrOtherPayload says that the ID is taken: the same rows can be stored under another.
	// When ctx ends first, the batch may or may not have been stored; trying again with the same ID settles it.
	//
	// The writer reads b.Rows until Write returns and keeps nothing of it after. Safe for concurrent use; concurrent
	// batches share one commit.
	Write(ctx context.Context, b Batch) (Outcome, error)
}

// Outcome tells what a successful Write did.
type Outcome uint8

const (
	Stored    Outcome = iota // the rows are new
	Duplicate                // a batch with this ID was there: nothing was added
	Conflict                 // one was there with another payload: nothing was added; Write returns ErrOtherPayload instead
)

// UnavailableError says that a store can't take a batch now, why, and when to come back.
type UnavailableError struct {
	Reason     string        // one sentence for the client, naming the limit and the setting that raises it
	Overloaded bool          // true: too much is waiting (HTTP 429); false: the store is impaired (HTTP 503)
	RetryAfter time.Duration // at least one second
	Err        error         // the cause; nil when a limit of our own was reached
}

func (e *UnavailableError) Error() string {
	if e.Err == nil {
		return e.Reason
	}
	return fmt.Sprintf("%s: %v", e.Reason, e.Err)
}

func (e *UnavailableError) Unwrap() error { return e.Err }
