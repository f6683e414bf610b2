package play

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/instantdevlogs/devlogs/replay/ledger"
	"github.com/instantdevlogs/devlogs/replay/prepare"
)

// item is one request that is due: a copy of one of the recording's.
type item struct {
	*fed
	id   uint64
	copy prepare.Copy
	due  time.Duration // since the start of the run
	// early: it was handed to a worker before it is due, and its first byte is held back until then.
	early bool
}

// worker sends one item at a time, from a buffer of its own.
type worker struct {
	run     *run
	encoder *encoder
	buf     []byte
	body    []byte // what goes over the wire: buf, or what the encoder made of it
	ready   *item  // what body is of
}

// do sends an item until it is acknowledged, refused for good, or given up. hard ends it at once.
func (w *worker) do(hard context.Context, it *item) {
	r := w.run
	if !w.prepare(it) {
		return
	}
	body := w.body
	w.ready = nil
	request := ledger.Request{
		ID: it.id, First: it.First, Records: it.Records, Copy: it.copy.Number, Source: it.Source,
		Intended: it.due, Shift: it.copy.Shift,
	}
	began := r.since()
	var leaving *departure
	if it.early {
		leaving = newDeparture(r.started.Add(it.due), func(at time.Time) {
			r.held.Add(-1)
			r.stats.begin(at.Sub(r.started) - it.due)
		})
	} else {
		r.stats.begin(began - it.due)
	}
	wait := r.config.Retry.Initial
	trying := false
	for {
		res, sent := w.attempt(hard, request, body, it, leaving)
		leaving = nil
		if res.kept { // the transport may still read it
			w.buf, w.encoder.out = nil, nil
			if res.retry {
				body = append([]byte(nil), body...)
			}
		}
		if res.untrusted {
			r.fail(errUntrusted(res.reason))
		}
		now := r.since()
		if res.class == ledger.Ack && r.config.Acked != nil && !it.Raw && !res.kept {
			r.config.Acked(request, w.buf)
		}
		again := res.again() && now-r.patientSince(&res, began) < r.config.Retry.For
		if again {
			r.stats.retry(!trying, now, res.reason)
			trying = true
			again = r.pause(hard, retryWait(&res, wait))
		}
		if !again {
			if trying {
				r.stats.retried()
			}
			r.stats.end(&res, it.Records, now-it.due, now-sent)
			return
		}
		wait = min(2*wait, r.config.Retry.Max)
	}
}

// prepare makes the item's body, if that is not done; false ends the run.
func (w *worker) prepare(it *item) bool {
	if w.ready == it {
		return true
	}
	p := w.run.config.Settings.Patch(it.Request, it.copy)
	w.buf = it.Render(w.buf, &p)
	w.body, w.ready = w.buf, it
	if it.Raw {
		return true
	}
	var err error
	if w.body, err = w.encoder.encode(w.buf); err != nil {
		w.run.fail(err)
		return false
	}
	return true
}

// attempt sends once. The ledger has it before the first byte leaves.
func (w *worker) attempt(hard context.Context, request ledger.Request, body []byte, it *item, leaving *departure) (result, time.Duration) {
	r := w.run
	number, err := r.begin(request)
	if err != nil {
		r.fail(err)
		return result{class: ledger.NotSent}, r.since()
	}
	sent := r.since()
	ctx, cancel := context.WithTimeout(hard, r.config.Timeout+max(0, it.due-sent))
	defer cancel()
	res := r.sender(it.Raw).send(ctx, body, it.Entry, leaving)
	if leaving != nil {
		sent = leaving.wait(hard).Sub(r.started)
	}
	r.stats.attempt(&res, len(body))
	if err := r.end(number, ledger.Outcome{
		Class: res.class, Status: res.status, Rejected: res.rejected, Sent: sent, Done: r.since(),
	}); err != nil {
		r.fail(err)
	}
	return res, sent
}

// retryWait is the target's wish, else our own with jitter, so that senders that were refused together part.
func retryWait(res *result, own time.Duration) time.Duration {
	if res.retryAfter > 0 {
		return res.retryAfter
	}
	return own/2 + rand.N(own/2+1)
}
