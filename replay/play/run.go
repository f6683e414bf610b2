package play

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/instantdevlogs/devlogs/replay/ledger"
	"github.com/instantdevlogs/devlogs/replay/pace"
	"github.com/instantdevlogs/devlogs/replay/patch"
	"github.com/instantdevlogs/devlogs/replay/prepare"
)

// run is one replay while it goes on.
type run struct {
	config  Config
	started time.Time
	feed    *feed
	stats   *stats
	ledger  *ledger.Writer // nil: none
	otlp    sender
	raw     *httpSender
	busy    sync.WaitGroup
	stop    context.CancelCauseFunc

	held    atomic.Int64 // requests that were begun and are not due yet
	reached atomic.Int64 // since, ns: when the target was last heard of

	base int64         // arrival of the first request, ns since 1970
	lap  time.Duration // what one loop takes, in the recording's time; known after the first
}

// Run sends a recording and returns what happened. When soft ends, nothing more is sent, and what is on its way is waited
// for; when hard ends, that is given up too. A run that went wrong (a target that refuses, a schedule not kept) is no error
// but says so in its report: see Report.Verdict.
func Run(soft, hard context.Context, config Config) (*Report, error) {
	if err := config.complete(); err != nil {
		return nil, err
	}
	r := &run{config: config, stats: newStats()}
	defer r.closeSenders()
	if err := r.openSenders(); err != nil {
		return nil, err
	}
	if err := r.load(); err != nil {
		return nil, err
	}
	defer r.feed.close()
	if err := r.openLedger(); err != nil {
		return nil, err
	}
	soft, r.stop = context.WithCancelCause(soft)
	defer r.stop(nil)
	err := r.send(soft, hard)
	if r.ledger != nil {
		err = errors.Join(err, r.ledger.Close())
	}
	if err != nil {
		return nil, err
	}
	r.feed.close()
	return r.report(soft), nil
}

func (r *run) send(soft, hard context.Context) error {
	usage := measureUsage()
	r.feed.start(soft)
	s := &schedule{run: r, free: make(chan *worker, r.config.InFlight)}
	watched := r.watch(hard)
	err := s.sendAll(soft, hard)
	r.busy.Wait()
	watched()
	r.stats.finish(r.since(), usage, s.waiter.Awake())
	if failure := context.Cause(soft); failure != nil && !errors.Is(failure, context.Canceled) {
		return failure
	}
	return err
}

// fail ends the run for a reason that is not the target's.
func (r *run) fail(err error) { r.stop(err) }

func (r *run) openSenders() error {
	c := &r.config
	var err error
	tlsConfig, err := c.TLS.LoadTLSConfig(context.Background())
	if err != nil {
		return fmt.Errorf("tls: %w", err)
	}
	if c.Target.URL.Scheme == "https" && tlsConfig == nil {
		tlsConfig = defaultTLS()
	}
	if c.Target.URL.Scheme != "https" {
		tlsConfig = nil
	}
	r.raw = newHTTPSender(c, tlsConfig)
	r.otlp = r.raw
	if c.Target.Protocol == GRPC {
		if r.otlp, err = newGRPCSender(c, tlsConfig); err != nil {
			return err
		}
	}
	return nil
}

func (r *run) closeSenders() {
	for _, s := range []sender{r.otlp, r.raw} {
		if s != nil {
			s.close()
		}
	}
}

func (r *run) sender(raw bool) sender {
	if raw {
		return r.raw
	}
	return r.otlp
}

// load reads ahead, and settles what only the recording tells.
func (r *run) load() (err error) {
	c := &r.config
	if c.Settings.Run == "" {
		c.Settings.Run = ledger.NewRun(time.Now())
	}
	if r.feed, err = openFeed(c.Settings, c.opener(), c.Loops, int64(c.Preload)); err != nil {
		return err
	}
	c.Settings = r.feed.settings
	if r.feed.first == nil {
		r.feed.close()
		return errors.New("the recording has no record to send (after filters)")
	}
	if n := r.feed.unidentified; n > 0 && c.Ledger != "" && c.Settings.Identity != ledger.ByContent {
		r.feed.close()
		return fmt.Errorf("identity %s cannot mark %d records, which lack that field: use uid or content", c.Settings.Identity, n)
	}
	r.base = r.feed.first.Arrival
	c.Settings.Clock = patch.Clock{Base: r.base, Speed: c.speed()}
	if r.feed.whole {
		r.settleLap()
	}
	r.started = time.Now()
	if !c.asap() {
		r.started = r.started.Add(headStart) // the first requests too are on their way before they are due
	}
	return nil
}

// settleLap makes loops follow each other at the recording's own mean distance.
func (r *run) settleLap() {
	span := r.feed.last - r.base
	r.lap = time.Duration(span + max(span/max(r.feed.requests-1, 1), int64(time.Millisecond)))
}

// offset is where a request lies in the recording's time, loops counted through.
func (r *run) offset(f *fed) time.Duration {
	if f.loop > 0 && r.lap == 0 {
		r.settleLap() // the first loop of a recording that flows through has been read whole by now
	}
	return time.Duration(f.Arrival-r.base) + time.Duration(f.loop)*r.lap
}

// shift is what event times move by, see patch.Clock.
func (r *run) shift(it *item) int64 {
	begin := r.started.UnixNano() - r.base
	loops := int64(it.loop) * int64(r.lap)
	switch r.config.Settings.EventTime {
	case prepare.Shift:
		return begin + loops - r.cut()
	case prepare.Scale:
		return begin + int64(float64(loops-r.cut())/r.config.speed())
	case prepare.Now:
		return r.started.UnixNano() + int64(it.due) - it.Arrival
	}
	return 0
}

// cut is the silence that the pacer left out: event times follow, or they would run into the future.
func (r *run) cut() int64 {
	if o, ok := r.config.Pace.(*pace.Original); ok {
		return int64(o.Cut())
	}
	return 0
}

func (r *run) openLedger() (err error) {
	c := &r.config
	if c.Ledger == "" {
		return nil
	}
	settings, err := json.Marshal(c.Settings)
	if err != nil {
		return err
	}
	r.ledger, err = ledger.Create(c.Ledger, ledger.Meta{
		Run: c.Settings.Run, Started: r.started, Identity: c.Settings.Identity, Delivery: c.Delivery, Refusals: c.Refusals,
		Recording: strings.Join(c.Settings.Paths, " "), Target: c.Target.String(), Protocol: string(c.Target.Protocol),
		Play: settings,
	})
	return err
}

func (r *run) begin(q ledger.Request) (ledger.Attempt, error) {
	if r.ledger == nil {
		return ledger.Attempt{}, nil
	}
	return r.ledger.Begin(q)
}

func (r *run) end(a ledger.Attempt, o ledger.Outcome) error {
	if r.ledger == nil {
		return nil
	}
	return r.ledger.End(a, o)
}

func (r *run) newWorker() (*worker, error) {
	e, err := newEncoder(&r.config)
	return &worker{run: r, encoder: e}, err
}

// since is the run's clock.
func (r *run) since() time.Duration { return time.Since(r.started) }

// patientSince is when the time for retries of a request that began then started to run. A target that isn't there at all
// is waited for once and not by each request anew: with many requests that would never end.
func (r *run) patientSince(res *result, began time.Duration) time.Duration {
	if res.class != ledger.NotSent {
		r.reached.Store(int64(r.since()))
		return began
	}
	reached := time.Duration(r.reached.Load())
	if reached == 0 || r.config.asap() {
		return min(began, reached)
	}
	return began
}

// pause waits before a retry; false when the run was stopped hard.
func (r *run) pause(hard context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-hard.Done():
		return false
	}
}
