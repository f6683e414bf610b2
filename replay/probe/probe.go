// Package probe measures, while a run goes on, how long after its acknowledgement a record can be found.
//
// A few acknowledged records a second are looked up again and again until they are there. The truth lies between the last
// look that missed and the first that hit, so both are kept; records that never came in time count in both with the time
// they were waited for, instead of being left out. Beside that, once a second, what was acknowledged is compared with what
// the source counts: the watermark.
package probe

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	hdr "github.com/HdrHistogram/hdrhistogram-go"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/instantdevlogs/devlogs/replay/canon"
	"github.com/instantdevlogs/devlogs/replay/ledger"
	"github.com/instantdevlogs/devlogs/replay/verify"
)

// FileName is where a run's measurement lies, in the run's directory.
const FileName = "queryable.json"

// Source can look up one record and count all.
type Source interface {
	verify.Finder
	Count(ctx context.Context, window verify.Window) (uint64, error)
}

// Config of a probe. Zero values get the defaults named.
type Config struct {
	Source  Source
	PerSec  int           // records looked for in a second; 10
	MaxWait time.Duration // how long each; 1 min
	// Watermark is how often both sides are counted; 1 s.
	Watermark time.Duration
}

// Probe measures from Start to Stop. Safe for concurrent use.
type Probe struct {
	config  Config
	started time.Time
	ctx     context.Context
	cancel  context.CancelFunc
	running sync.WaitGroup
	looks   sync.WaitGroup
	next    atomic.Int64 // when the next record may be taken, ns since started
	acked   atomic.Uint64

	mu           sync.Mutex
	lower, upper *hdr.Histogram
	result       verify.Queryable
	err          error // the first that looking met
}

const (
	firstPause = 5 * time.Millisecond
	lastPause  = time.Second
)

// Start begins to measure.
func Start(config Config) *Probe {
	if config.PerSec == 0 {
		config.PerSec = 10
	}
	if config.MaxWait == 0 {
		config.MaxWait = time.Minute
	}
	if config.Watermark == 0 {
		config.Watermark = time.Second
	}
	p := &Probe{config: config, started: time.Now(), lower: verify.NewHistogram(), upper: verify.NewHistogram()}
	p.ctx, p.cancel = context.WithCancel(context.Background())
	p.running.Go(p.watermark)
	return p
}

// Acked takes note of a request that was acknowledged now, and looks for one of its records if it is time for one. body
// is what was sent, as OTLP protobuf; it is not kept.
func (p *Probe) Acked(request ledger.Request, body []byte) {
	p.acked.Add(uint64(request.Records))
	now := time.Since(p.started)
	due := p.next.Load()
	if int64(now) < due || !p.next.CompareAndSwap(due, int64(now)+int64(time.Second)/int64(p.config.PerSec)) {
		return
	}
	uid, at, ok := pick(body)
	if !ok {
		return
	}
	acked := time.Now()
	p.looks.Go(func() { p.look(uid, at, acked) })
}

// pick chooses one record of a request that has a uid and a time.
func pick(body []byte) (uid string, at pcommon.Timestamp, ok bool) {
	logs, err := (&plog.ProtoUnmarshaler{}).UnmarshalLogs(body)
	if err != nil || logs.LogRecordCount() == 0 {
		return "", 0, false
	}
	skip := rand.IntN(logs.LogRecordCount())
	for r := range canon.Records(logs) {
		if skip--; skip >= 0 {
			continue
		}
		uid, at = r.Text(ledger.UIDAttribute), r.Log.Timestamp()
		if uid != "" && at != 0 {
			return uid, at, true
		}
	}
	return "", 0, false
}

func (p *Probe) look(uid string, at pcommon.Timestamp, acked time.Time) {
	missed := time.Duration(0)
	for pause := firstPause; ; pause = min(pause*3/2, lastPause) {
		asked := time.Since(acked)
		found, err := p.config.Source.Lookup(p.ctx, uid, at)
		switch {
		case p.ctx.Err() != nil:
			return
		case err != nil:
			p.fail(err) // a target that is down can't show a record: it counts as not found yet
		case found:
			p.record(missed, time.Since(acked), false)
			return
		default:
			missed = asked
		}
		if time.Since(acked) >= p.config.MaxWait {
			p.record(p.config.MaxWait, p.config.MaxWait, true)
			return
		}
		select {
		case <-p.ctx.Done():
			return
		case <-time.After(pause):
		}
	}
}

func (p *Probe) record(lower, upper time.Duration, censored bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	verify.Record(p.lower, lower)
	verify.Record(p.upper, upper)
	p.result.Samples++
	if censored {
		p.result.Censored++
	}
}

func (p *Probe) fail(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.err == nil {
		p.err = err
	}
}

func (p *Probe) watermark() {
	base, err := p.count()
	if err != nil {
		p.fail(err)
	}
	ticks := time.NewTicker(p.config.Watermark)
	defer ticks.Stop()
	for {
		select {
		case <-p.ctx.Done():
			return
		case <-ticks.C:
		}
		acked := p.acked.Load()
		n, err := p.count()
		if err != nil {
			p.fail(err)
			continue
		}
		p.mu.Lock()
		p.result.Watermark = append(p.result.Watermark, verify.Watermark{
			At: time.Since(p.started), Acked: acked, Visible: n - min(base, n),
		})
		p.mu.Unlock()
	}
}

// recent is how old records may be that are counted, where the source counts by event time: what a run sends has the times
// of now, unless it keeps those of its recording.
const recent = 30 * 24 * time.Hour

func (p *Probe) count() (uint64, error) {
	return p.config.Source.Count(p.ctx, verify.Window{
		From: pcommon.NewTimestampFromTime(p.started.Add(-recent)), To: pcommon.NewTimestampFromTime(time.Now().Add(time.Hour)),
	})
}

// Stop, after the last Acked, waits until every record that is looked for was found or given up, and at most for wait; the ones still looked for
// then are left out. The error is the first that a look-up met; the result holds all the same.
func (p *Probe) Stop(wait time.Duration) (*verify.Queryable, error) {
	deadline := time.AfterFunc(wait, p.cancel)
	defer deadline.Stop()
	p.looks.Wait() // they end when they find, when they give up, or by the deadline
	p.cancel()
	p.running.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.result.Lower, p.result.Upper = verify.SumUp(p.lower), verify.SumUp(p.upper)
	return &p.result, p.err
}

// Save writes the result into the run's directory.
func Save(dir string, q *verify.Queryable) error {
	b, err := json.Marshal(q)
	if err != nil {
		return fmt.Errorf("save the queryable latency: %w", err)
	}
	return os.WriteFile(filepath.Join(dir, FileName), append(b, '\n'), 0o644)
}

// Load reads what Save wrote; nil when nothing was measured.
func Load(dir string) (*verify.Queryable, error) {
	b, err := os.ReadFile(filepath.Join(dir, FileName))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the queryable latency: %w", err)
	}
	var q verify.Queryable
	if err := json.Unmarshal(b, &q); err != nil {
		return nil, fmt.Errorf("read the queryable latency: %w", err)
	}
	return &q, nil
}
