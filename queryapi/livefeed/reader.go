package livefeed

import (
	"context"
	"fmt"

	"github.com/instantdevlogs/devlogs/storage"
)

// reader is one of a feed. It is used by one goroutine.
type reader struct {
	store    Store
	feed     *feed
	filter   *filter
	position storage.ID // what is up to it was looked at
}

// follow gives what the filter wants until the consumer has enough, which is no error.
func (r *reader) follow(ctx context.Context, yield func(storage.Record, error) bool) error {
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		var more bool
		var err error
		switch next := r.feed.behind(r.position); {
		case next.err != nil:
			return next.err
		case next.wait != nil:
			select {
			case <-next.wait:
			case <-ctx.Done():
			}
			continue
		case next.records != nil:
			more, err = r.look(next.records, yield)
		default:
			more, err = r.catchUp(ctx, next.upTo, yield)
		}
		if err != nil || !more {
			return err
		}
	}
}

// look goes through records of the feed.
func (r *reader) look(records []storage.Record, yield func(storage.Record, error) bool) (more bool, err error) {
	for i := range records {
		record := &records[i]
		wanted, err := r.filter.wants(record)
		if err != nil {
			return false, fmt.Errorf("look at record %s: %w", record.ID, err)
		}
		if wanted && !yield(*record, nil) {
			return false, nil
		}
	}
	r.position = records[len(records)-1].ID
	return true, nil
}

// So much is taken from the store at a time.
const (
	takeRecords = 8192
	takeBytes   = 4 << 20
)

// catchUp asks the store for what the feed does not hold any more, up to a batch that is committed, and all before it. What is
// taken is given when the store has ended its answer: while a reader is slow, none of the store's connections waits for it.
func (r *reader) catchUp(ctx context.Context, upTo uint64, yield func(storage.Record, error) bool) (more bool, err error) {
	var taken []storage.Record
	size, position := 0, storage.EndOf(upTo)
	for record, err := range r.store.Batches(ctx, r.filter.query, r.position, upTo) {
		if err != nil {
			return false, err
		}
		if !r.filter.wantsStream(record.Stream) {
			continue
		}
		taken = append(taken, record)
		if size += sizeOf(&record); len(taken) == takeRecords || size >= takeBytes {
			position = record.ID
			break
		}
	}
	for i := range taken {
		if !yield(taken[i], nil) {
			return false, nil
		}
	}
	r.position = position
	return true, nil
}
