package record

import (
	"encoding/json"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/instantdevlogs/devlogs/replay/recording"
)

// disk writes exchanges in order of arrival.
type disk struct {
	config  *Config
	budget  *atomic.Int64
	writer  *recording.Writer
	decoder *decoder
	stopped chan struct{}

	mu      sync.Mutex
	wake    chan struct{}
	waiting []*exchange // in order of arrival; those in front may still be on their way
	behind  []*exchange // answered after the others stopped waiting for them
	gaps    []recording.Gap
	closing bool
	stats   Stats
	scrub   func() json.RawMessage // asked when all is written; nil: nothing was scrubbed
	err     error                  // of writing; nothing is recorded after it
}

// Stats of a tap.
type Stats struct {
	Requests, Records int64 // recorded
	Missed            int64 // requests that passed and were not recorded
	Waiting           int   // exchanges in memory
}

// patience is how long the order of arrival waits for an answer.
const patience = 10 * time.Second

func openDisk(config *Config, budget *atomic.Int64) (*disk, error) {
	w, err := recording.Create(config.Dir, config.Writer)
	if err != nil {
		return nil, err
	}
	decoder, err := newDecoder(max(config.MaxBody, 1<<20))
	if err != nil {
		return nil, err
	}
	d := &disk{config: config, budget: budget, writer: w, decoder: decoder, wake: make(chan struct{}, 1), stopped: make(chan struct{})}
	go d.run()
	return d, nil
}

// begin notes the arrival of a request.
func (d *disk) begin(k kind) *exchange {
	x := &exchange{kind: k}
	d.mu.Lock()
	defer d.mu.Unlock()
	x.entry.RecvNS = time.Now().UnixNano() // under the lock, so that the list is in order
	d.waiting = append(d.waiting, x)
	return x
}

// finish hands an exchange over. It never waits for the disk.
func (d *disk) finish(x *exchange) {
	d.mu.Lock()
	x.done = true
	if x.late {
		d.behind = append(d.behind, x)
	}
	d.mu.Unlock()
	select {
	case d.wake <- struct{}{}:
	default:
	}
}

func (d *disk) close() error {
	d.mu.Lock()
	d.closing = true
	d.mu.Unlock()
	select {
	case d.wake <- struct{}{}:
	default:
	}
	<-d.stopped
	d.decoder.close()
	if d.scrub != nil {
		d.writer.SetScrub(d.scrub())
	}
	return errors.Join(d.err, d.writer.Close())
}

func (d *disk) run() {
	defer close(d.stopped)
	flush := time.NewTicker(d.config.Flush)
	defer flush.Stop()
	for {
		ready, gaps, closing := d.take()
		for _, gap := range gaps {
			d.fail(d.writer.Gap(gap))
		}
		for _, x := range ready {
			d.write(x)
		}
		if closing && len(ready) == 0 && len(gaps) == 0 {
			return
		}
		if closing {
			continue
		}
		select {
		case <-d.wake:
		case <-flush.C:
			d.fail(d.writer.Flush())
		}
	}
}

// take removes what can be written: answered exchanges that no earlier one holds up.
func (d *disk) take() (ready []*exchange, gaps []recording.Gap, closing bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	ready, d.behind = d.behind, nil
	oldest := time.Now().Add(-patience).UnixNano()
	n := 0
	for ; n < len(d.waiting); n++ {
		x := d.waiting[n]
		if x.done {
			ready = append(ready, x)
			continue
		}
		if x.entry.RecvNS > oldest {
			break
		}
		x.late = true
	}
	d.waiting = append(d.waiting[:0], d.waiting[n:]...)
	gaps, d.gaps = d.gaps, nil
	return ready, gaps, d.closing
}

// write decodes an exchange and adds it to the recording, or to the gap.
func (d *disk) write(x *exchange) {
	defer x.answer.release()
	defer x.request.release()
	x.entry.WireBytes = x.request.size
	if x.request.full {
		reason := "the disk could not keep up"
		if x.request.size > d.config.MaxBody {
			reason = "a request was larger than --max-body"
		}
		d.miss(x, reason)
		return
	}
	if !x.request.whole && !d.decoder.ends(x) {
		d.miss(x, "the upstream, or the client, ended a request before it was whole")
		return
	}
	m, err := d.decoder.message(x)
	if err != nil {
		d.miss(x, err.Error())
		return
	}
	if d.config.Transform != nil {
		if err := d.config.Transform(m); err != nil {
			d.fail(err)
			d.miss(x, "scrubbing failed")
			return
		}
	}
	if d.failed() != nil {
		d.miss(x, "the recording could not be written")
		return
	}
	if err := d.writer.Write(m); err != nil {
		d.fail(err)
		d.miss(x, "the recording could not be written")
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.stats.Requests++
	d.stats.Records += int64(m.Records)
}

func (d *disk) miss(x *exchange, reason string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.stats.Missed++
	last := len(d.gaps) - 1
	if last < 0 || d.gaps[last].Reason != reason {
		d.gaps = append(d.gaps, recording.Gap{FromNS: x.entry.RecvNS, Reason: reason})
		last++
	}
	gap := &d.gaps[last]
	gap.ToNS = max(gap.ToNS, x.entry.RecvNS)
	gap.Requests++
	gap.Bytes += x.request.size
}

func (d *disk) fail(err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.err == nil {
		d.err = err
	}
}

func (d *disk) failed() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.err
}

// Stats says how the recording goes. Err is why nothing is recorded any more; traffic passes all the same.
func (t *Tap) Stats() (Stats, error) {
	t.disk.mu.Lock()
	defer t.disk.mu.Unlock()
	s := t.disk.stats
	s.Waiting = len(t.disk.waiting) + len(t.disk.behind)
	return s, t.disk.err
}
