package timescaleexporter

import (
	"context"

	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/instantdevlogs/devlogs/exporter/timescaleexporter/queue"
	"github.com/instantdevlogs/devlogs/storage"
)

// isolate stores batches of which at least one holds something that the database refuses: each in a transaction of its own,
// and of those that are refused all but the bad records. What it has dealt with is acknowledged. It returns false, always:
// there is nothing left for the caller to acknowledge.
func (w *worker) isolate(held []queue.Delivery, batches []storage.Batch) bool {
	for i := range held {
		one := batches[i : i+1]
		outcomes, err := w.write(one)
		if w.ctx.Err() != nil && err != nil {
			return false
		}
		if err == nil {
			w.count(outcomes, one)
			if !w.buryConflicts(held[i:i+1], outcomes) {
				return false
			}
			w.acknowledge(held[i : i+1])
			continue
		}
		if !w.cure(&held[i]) {
			return false
		}
	}
	return false
}

// cure stores a batch without its bad records, under the batch's own id, so that a redelivery finds it in the ledger, and
// makes dead letters of the bad ones. The letters are written first, with the acknowledgement last: a drain that dies in
// between leaves a letter too many, never one too few.
func (w *worker) cure(d *queue.Delivery) bool {
	logs, err := queue.Unpack(d.Payload)
	if err != nil {
		return true // decode has read it before
	}
	all := recordsOf(logs)
	reasons := make(map[int]string)
	if !w.bisect(d, all, 0, reasons) {
		return false
	}
	letters := make([]queue.Letter, 0, len(reasons))
	var good []record
	for i, r := range all {
		reason, bad := reasons[i]
		if !bad {
			good = append(good, r)
			continue
		}
		letter := queue.Letter{Entry: d.Entry, Reason: reason, Record: i}
		letter.Records = 1
		message, err := (&plog.ProtoMarshaler{}).MarshalLogs(gather([]record{r}))
		if err != nil {
			continue // it was unmarshalled from the same form
		}
		letter.Payload = queue.Pack(message)
		letters = append(letters, letter)
	}
	if !w.bury(nil, letters) {
		return false
	}
	if len(good) > 0 {
		rest := []storage.Batch{{ID: d.Batch, Rows: encode(d, good), Payload: d.Sent}}
		outcomes, err := w.write(rest)
		switch {
		case err == nil:
			w.count(outcomes, rest)
			if !w.buryConflicts([]queue.Delivery{*d}, outcomes) {
				return false
			}
		case w.ctx.Err() != nil:
			return false
		default: // refused as a whole although each part was not
			return w.bury([]queue.Delivery{*d}, []queue.Letter{d.Whole(err.Error())})
		}
	}
	w.acknowledge([]queue.Delivery{*d})
	return true
}

// bisect finds the records that the database refuses, with what it says of each, by trying halves. first is the index of
// part's first record in the batch. false: the drain was stopped.
func (w *worker) bisect(d *queue.Delivery, part []record, first int, reasons map[int]string) bool {
	err := w.check(encode(d, part))
	switch {
	case err == nil:
		return true
	case w.ctx.Err() != nil:
		return false
	case len(part) == 1:
		reasons[first] = err.Error()
		return true
	}
	half := len(part) / 2
	return w.bisect(d, part[:half], first, reasons) && w.bisect(d, part[half:], first+half, reasons)
}

// check asks the database, for as long as it takes to answer.
func (w *worker) check(rows *storage.Rows) error {
	pause := firstPause
	for {
		ctx, cancel := context.WithTimeout(w.finish, w.config.Drain.Timeout)
		err := w.store.Check(ctx, rows)
		cancel()
		if err == nil || !passing(err) {
			return err
		}
		w.health.set(postgresPart, err)
		if !w.wait(&pause) {
			return w.ctx.Err()
		}
	}
}

// record is one record with where it stands.
type record struct {
	resource plog.ResourceLogs
	scope    plog.ScopeLogs
	log      plog.LogRecord
}

// recordsOf lists a batch's records in their order.
func recordsOf(logs plog.Logs) []record {
	var list []record
	for _, rl := range logs.ResourceLogs().All() {
		for _, sl := range rl.ScopeLogs().All() {
			for _, log := range sl.LogRecords().All() {
				list = append(list, record{rl, sl, log})
			}
		}
	}
	return list
}

// gather makes logs of some records, each with its own resource and scope.
func gather(part []record) plog.Logs {
	logs := plog.NewLogs()
	for _, r := range part {
		rl := logs.ResourceLogs().AppendEmpty()
		r.resource.Resource().CopyTo(rl.Resource())
		rl.SetSchemaUrl(r.resource.SchemaUrl())
		sl := rl.ScopeLogs().AppendEmpty()
		r.scope.Scope().CopyTo(sl.Scope())
		sl.SetSchemaUrl(r.scope.SchemaUrl())
		r.log.CopyTo(sl.LogRecords().AppendEmpty())
	}
	return logs
}

func encode(d *queue.Delivery, part []record) *storage.Rows {
	rows := new(storage.Rows)
	storage.Encode(rows, gather(part), d.Tenant, d.Arrival)
	return rows
}
