package ledger

import "time"

// Request is what one attempt sends. A retry is another attempt of an equal Request.
type Request struct {
	ID      uint64 // 0, 1, 2… in the order in which the sender made them; a retry keeps it
	First   uint64 // ordinal of its first record; the others follow
	Records uint32
	Copy    uint32
	Source  uint64 // which request of the recording it was made from, in the order of the recording
	// Intended is when the schedule wanted it sent. Latency counts from here, so that a sender that fell behind does not
	// hide the target's slowness.
	Intended time.Duration // since Meta.Started
	// Shift is what was added to the event times, in nanoseconds, if the same amount was added to all of them.
	Shift int64
}

// Class sorts outcomes by what they say about the records.
type Class uint8

const (
	Ack       Class = iota + 1 // stored, but for Outcome.Rejected of them
	Refused                    // definitely not stored, and will not be: 400, 401, 404, 413, INVALID_ARGUMENT…
	Retryable                  // refused for now: 429, 502, 503, 504, UNAVAILABLE, RESOURCE_EXHAUSTED… see Refusals
	Ambiguous                  // no answer: a timeout, or a reset after the first byte was sent
	NotSent                    // no byte left: the connection was refused, the run was stopped
)

var classNames = [...]string{"open", "ack", "refused", "retryable refusal", "ambiguous", "not sent"}

func (c Class) String() string {
	if int(c) < len(classNames) {
		return classNames[c]
	}
	return "unknown"
}

// Outcome is how an attempt ended.
type Outcome struct {
	Class    Class
	Status   uint16        // HTTP status, or gRPC code when the run's protocol is gRPC; 0 when there was none
	Rejected uint32        // partial_success.rejected_log_records of an Ack
	Sent     time.Duration // when its first byte left, since Meta.Started
	Done     time.Duration // when its outcome was known, since Meta.Started
}
