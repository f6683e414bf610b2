package lokiapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/coder/websocket"
	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/instantdevlogs/devlogs/logql"
	"github.com/instantdevlogs/devlogs/logql/pipeline"
	"github.com/instantdevlogs/devlogs/queryapi/logplan"
	"github.com/instantdevlogs/devlogs/storage"
)

const (
	maxTailDelay = 5 * time.Second
	// tailAhead is how far the clocks of senders may be before ours: entries of so near a future are among those that a tail
	// begins with.
	tailAhead     = 10 * time.Minute
	tailKeepAlive = 15 * time.Second
	tailPatience  = time.Minute // for a frame to be read; then the connection is given up
)

// Tail is a WebSocket that entries come over as they are committed. It begins with the newest entries since start, oldest
// first, at most limit; then comes every entry that is committed later, once.
//
// One goroutine puts entries into the feed, another sends what the feed holds. A client that reads slowly makes the first
// one wait, and the store with it; when it is further behind than the server allows, entries are left out, and the next
// frame names them in dropped_entries.
type Tail struct {
	history []*logplan.Entry
	live    iter.Seq2[*logplan.Entry, error]
	feed    *feed
	origins []string
	flags   []string
}

// tail answers /tail.
func tail(ctx context.Context, r *Request) (any, error) {
	f := newForm(r)
	q := f.logQuery()
	limit := f.limit()
	delay := f.delay()
	t := span{Start: stamp(f.time("start", r.Started.Add(-defaultSince))), End: stamp(r.Started.Add(tailAhead))}
	if err := f.err(); err != nil {
		return nil, err
	}
	if most := pcommon.Timestamp(r.Limits.MaxRange); most > 0 {
		t.Start = max(t.Start, t.End-most)
	}
	head, err := r.Store.Head(ctx)
	if err != nil {
		return nil, err
	}
	out := &Tail{feed: newFeed(r.Limits.MaxTailLag, delay), origins: r.Origins}
	if categorizes(r.HTTP) {
		out.flags = []string{categorize}
	}
	if t.Start < t.End {
		if out.history, err = history(ctx, r, q, t, limit, head); err != nil {
			return nil, err
		}
	}
	out.live = r.Planner.Tail(ctx, q, uint64(t.Start), head)
	return out, nil
}

// delay reads delay_for: how many seconds entries are held back, so that late ones come in order.
func (f *form) delay() time.Duration {
	s := f.text("delay_for")
	if s == "" {
		return 0
	}
	seconds, err := strconv.Atoi(s)
	if err != nil || seconds < 0 || time.Duration(seconds)*time.Second > maxTailDelay {
		f.fail("delay_for can't be greater than %d: a number of seconds, got %q", int(maxTailDelay.Seconds()), s)
		return 0
	}
	return time.Duration(seconds) * time.Second
}

// history gives the entries that a tail begins with. Those of later batches than head come live.
func history(ctx context.Context, r *Request, q *logql.LogQuery, t span, limit int, head uint64) ([]*logplan.Entry, error) {
	plan, err := r.Planner.Log(ctx, t.logRequest(q, storage.NewestFirst, limit))
	if err != nil {
		return nil, err
	}
	var entries []*logplan.Entry
	bytes := 0
	for e, err := range plan.Entries(ctx) {
		if err != nil {
			return nil, err
		}
		if e.Record.Batch <= head {
			bytes += entrySize(e)
			if err := checkBytes(bytes, r.Limits.MaxBytes); err != nil {
				return nil, err
			}
			entries = append(entries, cloneEntry(e))
		}
	}
	slices.Reverse(entries)
	return entries, nil
}

// Respond upgrades the connection and sends entries until the client goes away or ctx ends.
func (t *Tail) Respond(w http.ResponseWriter, r *http.Request) error {
	conn, err := websocket.Accept(w, r, &websocket.AcceptOptions{OriginPatterns: t.origins})
	if err != nil {
		return nil // it has been answered
	}
	defer conn.CloseNow()
	// what ends while the connection is used cuts it: only the client's going away may, so that the others are told why
	client := conn.CloseRead(context.WithoutCancel(r.Context()))
	ctx, stop := context.WithCancel(r.Context())
	defer context.AfterFunc(client, stop)()
	done := make(chan error, 1)
	go func() { done <- t.fill(ctx) }()
	err = t.send(ctx, client, conn, done)
	stop()
	<-t.feed.closed
	code, reason := websocket.StatusNormalClosure, ""
	switch cause := context.Cause(r.Context()); {
	case cause != nil:
		code, reason = websocket.StatusGoingAway, cause.Error()
	case err != nil && !errors.Is(err, context.Canceled):
		code, reason = websocket.StatusInternalError, err.Error()
	}
	const most = 120 // bytes of a reason, by RFC 6455
	_ = conn.Close(code, reason[:min(most, len(reason))])
	return nil
}

// fill puts entries into the feed until the store fails or ctx ends.
func (t *Tail) fill(ctx context.Context) error {
	defer close(t.feed.closed)
	for _, e := range t.history {
		if !t.feed.wait(ctx, e) {
			return ctx.Err()
		}
	}
	t.history = nil
	for e, err := range t.live {
		if err != nil {
			return err
		}
		t.feed.put(ctx, e)
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	return nil
}

// frame is one message of a tail.
type frame struct {
	Streams       []*stream      `json:"streams"`
	Dropped       []droppedEntry `json:"dropped_entries,omitempty"`
	EncodingFlags []string       `json:"encodingFlags,omitempty"`
}

// send sends what the feed holds, whenever it holds something, until ctx ends. client ends when the client is gone.
func (t *Tail) send(ctx, client context.Context, conn *websocket.Conn, done <-chan error) error {
	alive := time.NewTicker(tailKeepAlive)
	defer alive.Stop()
	due := time.NewTimer(0) // when entries that are held back may go
	defer due.Stop()
	var last error
	for ended := false; !ended; {
		select {
		case <-t.feed.filled:
		case <-due.C:
		case <-alive.C:
			if err := bounded(client, conn.Ping); err != nil {
				return err
			}
		case last = <-done:
			ended = true
		case <-ctx.Done():
			return ctx.Err()
		}
		entries, dropped, next := t.feed.take(time.Now(), ended)
		if next > 0 {
			due.Reset(next)
		}
		if len(entries) == 0 && len(dropped) == 0 {
			continue
		}
		grouped := newStreams(t.flags != nil, 0) // the feed is bounded
		for _, e := range entries {
			_ = grouped.add(e) // fails at a limit only
		}
		message, err := json.Marshal(&frame{Streams: grouped.list, Dropped: dropped, EncodingFlags: t.flags})
		if err != nil {
			return fmt.Errorf("encode entries: %w", err)
		}
		write := func(ctx context.Context) error { return conn.Write(ctx, websocket.MessageText, message) }
		if err := bounded(client, write); err != nil {
			return err
		}
	}
	return last
}

// bounded does something that waits for the client, for as long as is bearable.
func bounded(ctx context.Context, do func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, tailPatience)
	defer cancel()
	return do(ctx)
}

// cloneEntry makes an entry that stays.
func cloneEntry(e *logplan.Entry) *logplan.Entry {
	kept := &logplan.Entry{Time: e.Time, Line: strings.Clone(e.Line), Labels: make([]pipeline.Label, len(e.Labels))}
	for i, l := range e.Labels {
		kept.Labels[i] = pipeline.Label{Name: strings.Clone(l.Name), Value: strings.Clone(l.Value), Kind: l.Kind}
	}
	return kept
}
