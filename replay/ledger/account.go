package ledger

import "time"

// Account sums up the attempts of one request.
type Account struct {
	Request   Request
	Attempts  uint32
	Acks      uint16
	Refusals  uint16 // definite refusals, and retryable ones where refusals are atomic
	NotSent   uint16
	ambiguous uint16 // attempts that ended so; those that never ended come on top
	Rejected  uint32 // by the last ack
}

// Latency are the times of one attempt.
type Latency struct {
	FromIntended time.Duration // from when it should have been sent to its outcome: what users of the target feel
	FromSent     time.Duration // from its first byte to its outcome: the target's service time
	Lag          time.Duration // from when it should have been sent to its first byte: the sender's own lateness
}

func (a *Account) settle(o Outcome, refusals Refusals) {
	switch o.Class {
	case Ack:
		a.Acks++
		a.Rejected = o.Rejected
	case Refused:
		a.Refusals++
	case Retryable:
		if refusals == RefusalsAtomic {
			a.Refusals++
		} else {
			a.ambiguous++
		}
	case NotSent:
		a.NotSent++
	default:
		a.ambiguous++
	}
}

// Ambiguous is how many attempts may or may not have left a copy.
func (a *Account) Ambiguous() uint32 {
	ended := uint32(a.Acks) + uint32(a.Refusals) + uint32(a.NotSent) + uint32(a.ambiguous)
	open := max(a.Attempts, ended) - ended
	return uint32(a.ambiguous) + open
}

// Partial is true when an ack rejected some of the records: then which ones is not known, only how many.
func (a *Account) Partial() bool { return a.Acks > 0 && a.Rejected > 0 }

// Copies is the interval [lo, hi] of copies that may be found of each record of the request. For a, the number of
// ambiguous attempts:
//
//	ack                          [1, 1+a]
//	ack that rejected some       [0, 1+a]   and Delivered of them must be there
//	no ack                       [0, a]
func (a *Account) Copies() (lo, hi uint32) {
	hi = uint32(a.Acks) + a.Ambiguous()
	if a.Acks > 0 && !a.Partial() {
		lo = 1
	}
	return lo, hi
}

// Delivered is how many different records of the request must be there at least.
func (a *Account) Delivered() uint32 {
	if a.Acks == 0 {
		return 0
	}
	return a.Request.Records - min(a.Rejected, a.Request.Records)
}
