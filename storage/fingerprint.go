package storage

import (
	"errors"

	"github.com/zeebo/xxh3"
)

// Fingerprint stands for the payload that a producer sent under an idempotency key, so that a key that comes again with
// another payload is told from a retry ("The Idempotency-Key HTTP Header Field", draft-ietf-httpapi-idempotency-key-header,
// 2.6 and 2.7). The zero Fingerprint says nothing of the payload and differs from none.
//
// It must be equal for a retry, so it is made of what the producer sent and of nothing that was added on the way: a time of
// arrival is another one each time. Best are the bytes of the client, which the receiver has (OfClient): records made of them
// may change with the version, the settings and what the clock says. Where only records come, it is their content as they
// came (Rows.Fingerprint, OfMessage). The first byte says which of these it is: prints of different kinds can't be compared,
// and a new way of making them is a new kind.
type Fingerprint [16]byte

const (
	printOfClient  = 1
	printOfRows    = 2
	printOfMessage = 3
)

// ErrOtherPayload is returned by Write for a batch whose id is stored already with another payload: nothing was stored, and
// trying again will not help.
var ErrOtherPayload = errors.New("a batch with this id is stored already, and its payload was another one")

// OfClient is the fingerprint of a receiver's own making, as it passes it on with the key.
func OfClient(text string) Fingerprint { return fingerprint(printOfClient, xxh3.HashString128(text)) }

// OfMessage is the fingerprint of a request in its encoding as OTLP protobuf.
func OfMessage(message []byte) Fingerprint {
	return fingerprint(printOfMessage, xxh3.Hash128(message))
}

func fingerprint(kind byte, sum xxh3.Uint128) Fingerprint {
	f := Fingerprint(sum.Bytes())
	f[0] = kind
	return f
}

// Differs tells that the two are surely not of the same payload.
func (f Fingerprint) Differs(other Fingerprint) bool { return f[0] == other[0] && f != other }

// Fingerprint is that of the records as they came: without the times of arrival, which Encode gave to those that had none.
func (r *Rows) Fingerprint() Fingerprint {
	h := xxh3.New()
	for i, source := range r.TimeSource {
		if TimeSource(source) != TimeArrival {
			_, _ = h.Write(bytesOf(r.Time[i : i+1])) // a hash takes everything
		}
	}
	_, _ = h.Write(r.TimeSource)
	r.hashContent(h)
	return fingerprint(printOfRows, h.Sum128())
}
