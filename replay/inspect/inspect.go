// Package inspect says what a recording holds and how long playing it will take, without sending anything.
package inspect

import (
	"cmp"
	"errors"
	"io"
	"slices"
	"time"

	"github.com/klauspost/compress/zstd"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/instantdevlogs/devlogs/replay/recording"
)

// Summary is what a recording holds.
type Summary struct {
	Messages, Records, Raw, Bytes int64
	First, Last                   time.Time // arrivals
	ArrivalBy                     map[string]int64
	Protocols                     map[string]int64
	Services                      []Count // by records
	Severities                    []Count
	Templates                     int // different skeletons of bodies, up to maxTemplates
	TopTemplates                  []Count
	Traced                        int64 // records with a trace id
	Untimed                       int64 // records without a time of their own
	OutOfOrder                    int64 // records older than the one before them in the recording
	MaxDisorder                   time.Duration
	ZstdRatio                     float64 // of the bodies, at level 3
	Rate                          []int64 // records in each of the equal slices of the recording's time
	Notes                         recording.Notes
	Manifest                      *recording.Manifest // nil: none
}

// Count is a name and how often it came.
type Count struct {
	Name  string
	Count int64
}

// slices is how many parts the rate over time has.
const rateSlices = 60

// maxTemplates bounds the skeletons that are told apart.
const maxTemplates = 20_000

// Read goes through a whole recording, in memory that does not grow with it.
func Read(paths []string, o recording.Options) (*Summary, error) {
	r, err := recording.Open(paths, o)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	c, err := newCollector()
	if err != nil {
		return nil, err
	}
	defer c.zstd.Close()
	for {
		m, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		if err := c.add(m); err != nil {
			return nil, err
		}
	}
	if len(paths) == 1 {
		if m, err := recording.ReadManifest(paths[0]); err == nil {
			c.Manifest = m
		}
	}
	return c.finish(r.Notes()), nil
}

type collector struct {
	Summary
	zstd       *zstd.Encoder
	out        []byte
	packed     int64
	services   map[string]int64
	severities map[string]int64
	templates  map[string]int64
	previous   int64
	rate       rate
}

func newCollector() (*collector, error) {
	z, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1))
	return &collector{
		zstd: z, services: map[string]int64{}, severities: map[string]int64{}, templates: map[string]int64{},
		Summary: Summary{ArrivalBy: map[string]int64{}, Protocols: map[string]int64{}},
	}, err
}

func (c *collector) add(m *recording.Message) error {
	c.Messages++
	c.Bytes += int64(len(m.Body))
	c.ArrivalBy[m.ArrivalBy.String()]++
	if m.Entry != nil {
		c.Protocols[m.Entry.Proto]++
	}
	at := time.Unix(0, m.Arrival).UTC()
	if c.Messages == 1 {
		c.First = at
	}
	c.Last = at
	c.rate.add(m.Arrival, int64(max(m.Records, 1)))
	c.out = c.zstd.EncodeAll(m.Body, c.out[:0])
	c.packed += int64(len(c.out))
	if m.Raw {
		c.Raw++
		return nil
	}
	logs, err := (&plog.ProtoUnmarshaler{}).UnmarshalLogs(m.Body)
	if err != nil {
		return err
	}
	for _, rl := range logs.ResourceLogs().All() {
		service := "(none)"
		if v, ok := rl.Resource().Attributes().Get("service.name"); ok {
			service = v.AsString()
		}
		for _, sl := range rl.ScopeLogs().All() {
			c.services[service] += int64(sl.LogRecords().Len())
			for _, r := range sl.LogRecords().All() {
				c.record(r)
			}
		}
	}
	return nil
}

func (c *collector) record(r plog.LogRecord) {
	c.Records++
	c.severities[severityName(r.SeverityNumber())]++
	if !r.TraceID().IsEmpty() {
		c.Traced++
	}
	if t := int64(r.Timestamp()); t == 0 {
		c.Untimed++
	} else {
		if t < c.previous { // not the latest so far: one record of the future would put all that follow out of order
			c.OutOfOrder++
			c.MaxDisorder = max(c.MaxDisorder, time.Duration(c.previous-t))
		}
		c.previous = t
	}
	s := skeleton(r.Body().AsString())
	if _, known := c.templates[s]; known || len(c.templates) < maxTemplates {
		c.templates[s]++
	}
}

func severityName(n plog.SeverityNumber) string {
	if n < 1 || n > 24 {
		return "(none)"
	}
	return [...]string{"TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"}[(n-1)/4]
}

func (c *collector) finish(notes recording.Notes) *Summary {
	c.Notes = notes
	c.Services, c.Severities = ranked(c.services, 20), ranked(c.severities, 10)
	c.Templates, c.TopTemplates = len(c.templates), ranked(c.templates, 10)
	if c.packed > 0 {
		c.ZstdRatio = float64(c.Bytes) / float64(c.packed)
	}
	c.Summary.Rate = c.rate.slices(rateSlices)
	return &c.Summary
}

func ranked(counts map[string]int64, n int) (all []Count) {
	for name, count := range counts {
		all = append(all, Count{name, count})
	}
	slices.SortFunc(all, func(a, b Count) int { return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Name, b.Name)) })
	return all[:min(n, len(all))]
}
