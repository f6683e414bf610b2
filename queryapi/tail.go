package queryapi

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/instantdevlogs/devlogs/queryapi/logplan"
	"github.com/instantdevlogs/devlogs/storage"
)

// heartbeat is how often a tail with nothing to tell says that it is alive: proxies end connections that are silent for long,
// and a client that hears nothing can tell a dead connection from a quiet one.
const heartbeat = 15 * time.Second

// tail answers GET /api/v1/logs/tail with records as they are committed, as server-sent events
// (https://html.spec.whatwg.org/multipage/server-sent-events.html):
//
//	event: open     data: {"position": id}       the first; nothing that is committed later is missed
//	                data: a record               its id is the event's id: with it as Last-Event-ID, a tail goes on behind it
//	event: gap      data: {"left_out": n, …}     records were left out, as the reader was too slow
//	event: failure  data: {"error": …}           the last; the same id can be used to try again
//
// One goroutine takes entries from the store and puts them into the outbox, another writes what is in the outbox. A reader
// that is slower than the store makes the first one wait. Records that were stored before the tail began wait as long as it
// takes; of later ones those are left out that would make the reader fall behind by more than limits::max_tail_lag.
type tail struct {
	entries      iter.Seq2[*logplan.Entry, error]
	queried      bool
	services     []string   // nil: all
	after        storage.ID // entries up to this one have been seen
	head         uint64     // batches up to this one were stored before the tail began
	lost         *gap       // what is known to be left out from the beginning
	maxLag       time.Duration
	heartbeat    time.Duration
	writeTimeout time.Duration
}

// beginning is the position before everything.
var beginning = storage.ID{Row: math.MaxUint32}

// tail answers GET /api/v1/logs/tail.
func (s *server) tail(ctx context.Context, source *Source, p *params) (any, error) {
	f := p.conditions()
	f.logql = p.logQuery()
	after, resumed := p.position()
	if err := p.err(); err != nil {
		return nil, err
	}
	head, err := source.Head(ctx)
	if err != nil {
		return nil, err
	}
	t := &tail{
		queried: f.logql != nil, services: f.services, after: storage.ID{Batch: head, Row: math.MaxUint32}, head: head,
		maxLag: s.limits.MaxTailLag, heartbeat: s.heartbeat, writeTimeout: s.writeTimeout,
	}
	switch {
	case resumed && after.Batch > head:
		t.lost = &gap{Reason: "unknown_position", Position: t.after.String()}
	case resumed:
		t.after = after
	}
	from := t.after.Batch
	if t.after.Row != math.MaxUint32 {
		from-- // the rest of that batch is still to come
	}
	where := storage.Expr(f.records())
	if f.logql != nil {
		t.entries = s.planner(source, where).Tail(ctx, f.logql, 0, from)
	} else {
		t.entries = plainEntries(source.Tail(ctx, storage.Query{End: storage.EndOfTime, Where: where}, from, nil))
	}
	return t, nil
}

// position reads where a tail goes on: the header that browsers send when they connect again, or after.
func (p *params) position() (id storage.ID, ok bool) {
	text := p.text("after")
	if header := p.request.Header.Get("Last-Event-ID"); header != "" {
		text = header
	}
	if text == "" {
		return id, false
	}
	if text == beginning.String() {
		return beginning, true
	}
	id, err := storage.ParseID(text)
	if err == nil && id.Batch > math.MaxInt64 {
		err = fmt.Errorf("%w, got %q", storage.ErrBadID, text)
	}
	if err != nil {
		p.fail("after", err)
	}
	return id, true
}

// respond writes events until the client goes away. When it returns an error nothing was written.
func (t *tail) respond(w http.ResponseWriter, r *http.Request) error {
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("X-Accel-Buffering", "no") // nginx would hold events back
	if r.Method == http.MethodHead {
		return nil
	}
	ctx, stop := context.WithCancel(r.Context())
	box := newOutbox()
	box.events = append(box.events, "retry: 1000\n"...) // milliseconds
	box.events = appendEvent(box.events, "open", t.after, map[string]string{"position": t.after.String()})
	if t.lost != nil {
		box.events = appendEvent(box.events, "gap", t.after, t.lost)
	}
	box.signal(box.filled)
	done := make(chan error, 1)
	go func() { done <- t.fill(ctx, box) }()
	ended, err := t.send(ctx, newExportWriter(w, t.writeTimeout), box, done)
	stop()
	if !ended {
		<-done
	}
	panic(&abortedExport{apiErrorOf(r.Context(), err)})
}

// send writes what is in the outbox whenever there is something. It returns why it stopped; ended tells whether it has
// received from done.
func (t *tail) send(ctx context.Context, out *exportWriter, box *outbox, done <-chan error) (ended bool, _ error) {
	alive := time.NewTicker(t.heartbeat)
	defer alive.Stop()
	var events []byte
	for {
		var last error
		select {
		case <-box.filled:
		case <-alive.C:
			if _, err := out.WriteString(": alive\n\n"); err != nil {
				return ended, err
			}
		case last = <-done:
			ended = true
		}
		events = box.take(events[:0])
		if ended {
			if answer := apiErrorOf(ctx, last); answer.Code != codeCanceled {
				events = appendEvent(events, "failure", storage.ID{}, errorBody{answer})
			}
		}
		if _, err := out.Write(events); err != nil {
			return ended, err
		}
		if err := out.flush(); err != nil {
			return ended, clientGone(err)
		}
		if ended {
			return ended, last
		}
	}
}

// fill puts entries into the outbox until the tail ends.
func (t *tail) fill(ctx context.Context, box *outbox) error {
	render := newRenderer(t.queried)
	var event []byte
	// behind is about how much later a record is sent because of the reader: it grows while the outbox is full, and shrinks
	// while the store has nothing new.
	var behind time.Duration
	asked := time.Now()
	for entry, err := range t.entries {
		if err != nil {
			return err
		}
		behind = max(0, behind-time.Since(asked))
		if t.wants(entry.Record) {
			if event, err = t.event(event[:0], render, entry); err != nil {
				return err
			}
			if entry.Record.Batch <= t.head {
				box.put(ctx, event, entry.Record, math.MaxInt64)
			} else {
				behind += box.put(ctx, event, entry.Record, t.maxLag-behind)
			}
		}
		asked = time.Now()
	}
	return errors.Join(ctx.Err(), errors.New("the store ended the tail"))
}

func (t *tail) wants(record *storage.Record) bool {
	if id := record.ID; id.Batch < t.after.Batch || id.Batch == t.after.Batch && id.Row <= t.after.Row {
		return false
	}
	return t.services == nil || slices.Contains(t.services, record.Stream.Service)
}

func (t *tail) event(dst []byte, render *renderer, entry *logplan.Entry) ([]byte, error) {
	dst = append(dst, "id: "...)
	dst = strconv.AppendUint(dst, entry.Record.Batch, 10)
	dst = append(dst, '-')
	dst = strconv.AppendUint(dst, uint64(entry.Record.Row), 10)
	dst, err := render.entry(append(dst, "\ndata: "...), entry)
	return append(dst, "\n\n"...), err
}
