package verify

import (
	"context"
	"fmt"
	"iter"

	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/instantdevlogs/devlogs/replay/ledger"
	"github.com/instantdevlogs/devlogs/replay/prepare"
)

// Replayed makes again what a run sent, from its ledger and the recording that it played.
func Replayed(r *ledger.Reader) Expected {
	return func(ctx context.Context) iter.Seq2[Sent, error] {
		return func(yield func(Sent, error) bool) {
			accounts, err := r.Accounts()
			if err != nil {
				yield(Sent{}, err)
				return
			}
			requests := make([]ledger.Request, len(accounts))
			for i := range accounts {
				requests[i] = accounts[i].Request
			}
			for again, err := range prepare.Again(r.Meta(), requests) {
				sent := Sent{Request: again.Request}
				if err == nil {
					sent.Logs, err = decode(again)
				}
				if err == nil {
					err = ctx.Err()
				}
				if !yield(sent, err) || err != nil {
					return
				}
			}
		}
	}
}

func decode(again prepare.Sent) (plog.Logs, error) {
	if again.Raw {
		return plog.Logs{}, fmt.Errorf("request %d is raw HTTP traffic, whose records only the target knows: "+
			"replay convert makes OTLP of it, which can be verified", again.Request.ID)
	}
	logs, err := (&plog.ProtoUnmarshaler{}).UnmarshalLogs(again.Body)
	if err != nil {
		return logs, fmt.Errorf("decode request %d: %w", again.Request.ID, err)
	}
	return logs, nil
}
