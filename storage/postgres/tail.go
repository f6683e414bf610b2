package postgres

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/instantdevlogs/devlogs/storage"
)

// channel is where a transaction that stored something notifies those who wait.
const channel = "devlogs_batches"

const (
	tailPoll    = time.Second           // how often a tail looks that is not woken
	tailPending = 20 * time.Millisecond // how soon it looks again when a transaction holds it up
	tailBatches = 200                   // batches that are read at a time
	// tailPause is the least time from one look to the next: on a busy store commits gather in it. A record that comes after a
	// quiet time is read at once.
	tailPause = 50 * time.Millisecond
)

// Tail implements storage.Reader.
//
// Transactions end in another order than their batches were numbered, so a batch that is there says nothing of the ones
// numbered before it. A writer takes a shared advisory lock before it takes numbers from the sequence, and has it until its
// transaction has ended. When a batch is seen committed, all that may still bring lower numbers hold the lock then; once those
// have let go, everything up to the batch is final. (A snapshot's xmin would tell the same, but it also waits for transactions
// that have nothing to do with logs, like the compression of a chunk, for minutes.)
func (s *Store) Tail(ctx context.Context, q storage.Query, from uint64) iter.Seq2[storage.Record, error] {
	return func(yield func(storage.Record, error) bool) {
		wake := s.listener.join()
		defer s.listener.leave()
		t := s.tail(q, from)
		give := func(r *storage.Record) error {
			if !yield(*r, nil) {
				return errStop
			}
			return ctx.Err()
		}
		timer := time.NewTimer(0)
		defer timer.Stop()
		for {
			signal, earliest := wake(), time.Now().Add(tailPause)
			err := s.readOnce(ctx, func(r *reading) error { return t.advance(r, give) })
			if errors.Is(err, errStop) {
				return
			}
			if refusedRegex(err) && !t.noRegex {
				t.noRegex = true
				continue
			}
			if err != nil && !failedJSON(err) {
				yield(storage.Record{}, readError(ctx, "tail", err))
				return
			}
			if t.final > t.from {
				continue
			}
			wait := tailPoll
			if t.candidate > 0 {
				wait, signal = tailPending, nil // what it waits for is the end of transactions
			}
			timer.Reset(wait)
			select {
			case <-signal:
				timer.Reset(time.Until(earliest))
				select {
				case <-timer.C:
				case <-ctx.Done():
				}
			case <-timer.C:
			case <-ctx.Done():
			}
			if ctx.Err() != nil {
				yield(storage.Record{}, ctx.Err())
				return
			}
		}
	}
}

// Batches implements storage.Reader.
func (s *Store) Batches(ctx context.Context, q storage.Query, after storage.ID, to uint64) iter.Seq2[storage.Record, error] {
	return func(yield func(storage.Record, error) bool) {
		t := s.tail(q, after.Batch)
		t.final = to
		if after.Batch > 0 && after.Row != math.MaxUint32 {
			t.from, t.after = after.Batch-1, after
		}
		give := func(r *storage.Record) error {
			if !yield(*r, nil) {
				return errStop
			}
			return ctx.Err()
		}
		for t.from < t.final {
			err := s.read(ctx, "read batches", func(r *reading) error { return t.advance(r, give) })
			if refusedRegex(err) && !t.noRegex {
				t.noRegex = true
				continue
			}
			if err != nil {
				yield(storage.Record{}, err)
			}
			return
		}
	}
}

// tail is how far one tail has come.
type tail struct {
	store   *Store
	query   storage.Query
	noRegex bool
	matcher *storage.Matcher

	from      uint64     // all up to this batch was given
	after     storage.ID // and of its batch all up to it
	final     uint64     // up to this batch no other can come any more
	candidate uint64     // will be final when none of writers is there
	writers   []string
}

func (s *Store) tail(q storage.Query, from uint64) *tail {
	q.After, q.Limit = nil, 0
	return &tail{store: s, query: q, from: from, matcher: storage.NewMatcher(q.Where)}
}

// The ledger is read as it was when the statement began, the locks as they are after that.
const tailSQL = `SELECT coalesce((SELECT max(batch_seq) FROM log_batches WHERE batch_seq > $1::bigint), 0),
	coalesce((SELECT string_agg(virtualtransaction, ' ') FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 1
		AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
		AND classid = $2::oid AND objid = $3::oid), '')`

// Head implements storage.Reader. It waits for the transactions that may still bring lower numbers.
func (s *Store) Head(ctx context.Context) (uint64, error) {
	t := &tail{store: s}
	for {
		err := s.readOnce(ctx, t.look)
		if err != nil || t.candidate == 0 {
			return t.final, readError(ctx, "find the newest batch", err)
		}
		select {
		case <-time.After(tailPending):
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}
}

// advance finds out what is final and gives the next records of that.
func (t *tail) advance(r *reading, give func(*storage.Record) error) error {
	if t.final <= t.from {
		if err := t.look(r); err != nil {
			return err
		}
	}
	for t.from < t.final {
		if err := t.next(r, give); err != nil {
			return err
		}
	}
	return nil
}

func (t *tail) look(r *reading) error {
	var last uint64
	var writers []string
	if err := r.each(tailSQL, [][]byte{decimal(t.from), decimal(lockWrite >> 32), decimal(lockWrite & math.MaxUint32)}, func(v [][]byte) error {
		last, writers = binary.BigEndian.Uint64(v[0]), strings.Fields(string(v[1]))
		return nil
	}); err != nil {
		return err
	}
	if t.candidate == 0 {
		t.candidate, t.writers = last, writers
	} else {
		t.writers = slices.DeleteFunc(t.writers, func(w string) bool { return !slices.Contains(writers, w) })
	}
	if t.candidate > 0 && len(t.writers) == 0 {
		t.final, t.candidate = max(t.final, t.candidate), 0
	}
	return nil
}

// next gives the records of the next few batches.
func (t *tail) next(r *reading, give func(*storage.Record) error) error {
	sql := `SELECT batch_seq, min_time, max_time, tenant = $3::text AND rows > 0, odd_rows > 0, far_rows > 0 FROM log_batches
		WHERE batch_seq > $1::bigint AND batch_seq <= $2::bigint ORDER BY batch_seq LIMIT ` + strconv.Itoa(tailBatches)
	args := [][]byte{decimal(t.from), decimal(t.final), []byte(t.query.Tenant)}
	var s survey
	var seqs []uint64
	n, last := 0, t.final
	if err := r.each(sql, args, func(v [][]byte) error {
		n++
		last = binary.BigEndian.Uint64(v[0])
		if v[3][0] == 0 {
			return nil
		}
		low, high := int64(binary.BigEndian.Uint64(v[1])), int64(binary.BigEndian.Uint64(v[2]))
		if len(seqs) == 0 {
			s.low, s.high = low, high
		}
		s.low, s.high = min(s.low, low), max(s.high, high)
		s.odd, s.far = s.odd || v[4][0] != 0, s.far || v[5][0] != 0
		seqs = append(seqs, last)
		return nil
	}); err != nil {
		return err
	}
	if n < tailBatches {
		last = t.final
	}
	if len(seqs) > 0 {
		if err := t.records(r, &s, seqs, give); err != nil {
			return err
		}
	}
	t.from = last
	return nil
}

func decimal(n uint64) []byte { return strconv.AppendUint(nil, min(n, 1<<63-1), 10) }

// records gives the records of batches in the order of storing.
func (t *tail) records(r *reading, s *survey, seqs []uint64, give func(*storage.Record) error) error {
	low, high, ok := bounds(&t.query)
	low, high = max(low, s.low), min(high, s.high)
	if !ok || low > high {
		return nil
	}
	st := &statement{odd: s.odd, noRegex: t.noRegex}
	where := st.inRange(&t.query, low, high)
	if t.after.Batch >= seqs[0] && t.after.Batch != 0 {
		where += fmt.Sprintf(" AND (batch_seq <> %d OR row_no > %d)", t.after.Batch, t.after.Row)
	}
	c, err := st.where(t.query.Where)
	if err != nil {
		return err
	}
	sql := fmt.Sprintf("SELECT %s FROM %s WHERE %s AND batch_seq >= %s AND batch_seq <= %s AND batch_seq = ANY (%s) AND (%s) IS NOT FALSE ORDER BY batch_seq, row_no",
		readColumns, s.from(), where, st.arg(string(decimal(seqs[0])), "bigint"), st.arg(string(decimal(seqs[len(seqs)-1])), "bigint"),
		st.arg(bigints(seqs), "bigint[]"), c.sql)
	h := &hunt{store: t.store, reading: r, query: &t.query, matcher: t.matcher, give: func(record *storage.Record) error {
		if record.Batch > t.from+1 {
			t.from = record.Batch - 1 // should the connection break here, the batch comes again whole
		}
		return give(record)
	}}
	return r.pages(sql, st.args, recordPage, h.row, func() error { return h.turn(c.unsure) })
}
