package play

import (
	"context"
	"fmt"
	"time"

	"github.com/instantdevlogs/devlogs/replay/ledger"
	"github.com/instantdevlogs/devlogs/replay/recording"
)

// sender puts requests on the wire. Safe for concurrent use.
type sender interface {
	// send makes one attempt, without retries of its own. entry is the recording's, and may be nil. The sender may change
	// nothing in body; when it returns a result with kept, body may still be read, and must not be used again. leaving, when
	// not nil, is for the first byte to wait for; the sender need not.
	send(ctx context.Context, body []byte, entry *recording.Entry, leaving *departure) result
	close()
}

// result is how an attempt ended.
type result struct {
	class      ledger.Class
	status     uint16 // HTTP status or gRPC code
	rejected   uint32
	retry      bool
	retryAfter time.Duration // what the target asked for; 0: nothing
	reason     string        // for people, the same for failures of one kind
	kept       bool
	untrusted  bool // the target's certificate is not one that this run trusts, and will not become one
}

// errUntrusted ends a run whose target can't be who it should be: no request would ever get there.
func errUntrusted(reason string) error {
	return fmt.Errorf("the target's certificate is not trusted: %s\nName the authority that signed it with --tls-ca FILE "+
		"(--tls-server-name when the certificate has another name), or leave the check out with --tls-skip-verify", reason)
}

// again says whether OTLP allows to send the request again.
func (r *result) again() bool { return r.retry }
