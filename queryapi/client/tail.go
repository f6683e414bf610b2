package client

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Event is one thing that a tail tells: exactly one of the pointers is set.
type Event struct {
	ID     string // the position behind the event
	Record *Record
	Gap    *Gap
	// Opened says that the tail has begun at a position, at first and after each loss of the connection.
	Opened *Opened
	// Lost says that the connection was lost; it is made again.
	Lost error
}

// Opened is a tail's beginning.
type Opened struct {
	Position string `json:"position"`
}

// Gap is what a tail left out.
type Gap struct {
	Reason  string `json:"reason"`
	LeftOut uint64 `json:"left_out"`
	First   string `json:"first"` // record ids
	Last    string `json:"last"`
	Start   string `json:"start"` // times: start <= time < end
	End     string `json:"end"`
}

const (
	firstRetry = time.Second
	lastRetry  = 15 * time.Second
	// silence is how long a tail may say nothing, not even that it is alive, before the connection counts as lost.
	silence = time.Minute
	// maxEvent bounds one event; a record can't be larger.
	maxEvent = 64 << 20
)

// Tail yields what GET /api/v1/logs/tail tells for query, from now on or, when after is not empty, from behind the event with
// that id. When the connection is lost it makes it again and goes on behind the last event, so that nothing is missed or
// repeated. It ends when ctx does, or with an error as the last element: when the server can't be reached at first, or
// refuses.
func (c *Client) Tail(ctx context.Context, query url.Values, after string) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		t := &tail{client: c, query: query, position: after, yield: yield}
		connected := false
		for retry := firstRetry; ; {
			told, err := t.connect(ctx)
			if t.ended || ctx.Err() != nil {
				return
			}
			connected = connected || told
			var refusal *Error
			if !connected || errors.As(err, &refusal) && refusal.Status >= 400 && refusal.Status < 500 && refusal.Status != http.StatusTooManyRequests {
				yield(Event{}, err)
				return
			}
			if told {
				retry = firstRetry
			}
			if !yield(Event{ID: t.position, Lost: err}, nil) {
				return
			}
			select {
			case <-ctx.Done():
				return
			case <-time.After(retry):
			}
			retry = min(2*retry, lastRetry)
		}
	}
}

// tail is one run of Tail.
type tail struct {
	client   *Client
	query    url.Values
	position string
	yield    func(Event, error) bool
	ended    bool // the consumer has enough
}

// connect tails over one connection until that ends; told says whether anything came.
func (t *tail) connect(ctx context.Context) (told bool, _ error) {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	header := http.Header{"Accept": {"text/event-stream"}}
	if t.position != "" {
		header.Set("Last-Event-Id", t.position)
	}
	body, err := t.client.stream(ctx, "/api/v1/logs/tail", t.query, header)
	if err != nil {
		return false, err
	}
	defer body.Close()
	watch := time.AfterFunc(silence, func() { stop(fmt.Errorf("%s was silent for %s", t.client.base.Host, silence)) })
	defer watch.Stop()
	lines := bufio.NewScanner(body)
	lines.Buffer(make([]byte, 64<<10), maxEvent)
	var e event
	for lines.Scan() {
		watch.Reset(silence)
		told = true
		if !e.line(lines.Text()) {
			continue
		}
		err := t.tell(e)
		if err != nil || t.ended {
			return told, err
		}
		e = event{}
	}
	switch {
	case ctx.Err() != nil:
		return told, context.Cause(ctx)
	case lines.Err() != nil:
		return told, lines.Err()
	}
	return told, io.ErrUnexpectedEOF
}

func (t *tail) tell(e event) (err error) {
	if e.id != "" {
		t.position = e.id
	}
	out := Event{ID: t.position}
	switch e.name {
	case "":
		if e.data == "" {
			return nil
		}
		out.Record = &Record{JSON: json.RawMessage(e.data)}
		err = json.Unmarshal(out.Record.JSON, out.Record)
	case "open":
		out.Opened = &Opened{}
		err = json.Unmarshal([]byte(e.data), out.Opened)
	case "gap":
		out.Gap = &Gap{}
		err = json.Unmarshal([]byte(e.data), out.Gap)
	case "failure":
		failure := struct{ Error *Error }{&Error{}}
		if err = json.Unmarshal([]byte(e.data), &failure); err == nil {
			err = failure.Error
		}
	default: // of a newer server
		return nil
	}
	if err != nil {
		return err
	}
	t.ended = !t.yield(out, nil)
	return nil
}

// event is a server-sent event, as
// https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation reads one.
type event struct{ name, id, data string }

// line adds a line and tells whether the event is complete.
func (e *event) line(text string) (complete bool) {
	if text == "" {
		return true
	}
	field, value, _ := strings.Cut(text, ":")
	value = strings.TrimPrefix(value, " ")
	switch field {
	case "event":
		e.name = value
	case "id":
		e.id = value
	case "data":
		if e.data != "" {
			e.data += "\n"
		}
		e.data += value
	}
	return false
}
