// Package edit makes recordings of recordings: slices, merges, other forms, scrubbed ones. It is one loop; what differs is
// what happens to a message on the way.
package edit

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/instantdevlogs/devlogs/replay/prepare"
	"github.com/instantdevlogs/devlogs/replay/recording"
)

// Options say what goes into the new recording. The zero value copies everything.
type Options struct {
	Reader recording.Options
	Writer recording.WriterOptions

	From, To Bound  // arrivals, From included, To not
	Where    string // see package where
	Sample   float64
	Records  int64 // stop after so many; 0: all

	Transform func(*recording.Message) error // nil: nothing
	Scrub     func() []byte                  // a JSON report for the manifest, when all is written; nil: none
}

// Bound is a time: as such, or from the beginning of the recording. The zero Bound is none.
type Bound struct {
	At     time.Time
	Offset time.Duration
	Set    bool
}

// ParseBound reads 2026-01-05T09:00:00Z or +90s; "" is none.
func ParseBound(text string) (Bound, error) {
	if text == "" {
		return Bound{}, nil
	}
	if offset, ok := strings.CutPrefix(text, "+"); ok {
		if d, err := time.ParseDuration(offset); err == nil {
			return Bound{Offset: d, Set: true}, nil
		}
	} else if at, err := time.Parse(time.RFC3339Nano, text); err == nil {
		return Bound{At: at, Set: true}, nil
	}
	return Bound{}, fmt.Errorf("%q is no time: write for example 2026-01-05T09:00:00Z, or +90s from the beginning", text)
}

// from is the bound as ns since 1970, when the recording begins at start; none gives otherwise.
func (b Bound) from(start, otherwise int64) int64 {
	switch {
	case !b.Set:
		return otherwise
	case b.At.IsZero():
		return start + int64(b.Offset)
	}
	return b.At.UnixNano()
}

const endOfTime = int64(1<<63 - 1)

// Copy writes what the options select of the recordings at paths into dir. Notes tell what reading came across.
func Copy(ctx context.Context, paths []string, dir string, o Options) (recording.Manifest, recording.Notes, error) {
	thinner, err := prepare.NewThinner(o.Where, o.Sample)
	if err != nil {
		return recording.Manifest{}, recording.Notes{}, err
	}
	r, err := recording.Open(paths, o.Reader)
	if err != nil {
		return recording.Manifest{}, recording.Notes{}, err
	}
	defer r.Close()
	w, err := recording.Create(dir, o.Writer)
	if err != nil {
		return recording.Manifest{}, recording.Notes{}, err
	}
	c := &copier{o: &o, w: w, thinner: thinner}
	if o.Where == "" && (o.Sample == 0 || o.Sample == 1) && o.Records == 0 {
		c.thinner = nil
	}
	err = c.all(ctx, r)
	notes := r.Notes()
	for _, gap := range notes.Gaps {
		if err == nil && gap.ToNS >= c.from && gap.FromNS < c.to {
			err = w.Gap(gap)
		}
	}
	if o.Scrub != nil {
		w.SetScrub(o.Scrub())
	}
	err = errors.Join(err, w.Close())
	return w.Manifest(), notes, err
}

type copier struct {
	o        *Options
	w        *recording.Writer
	thinner  *prepare.Thinner // nil: whole messages
	from, to int64
	records  int64
	begun    bool
}

func (c *copier) all(ctx context.Context, r *recording.Reader) error {
	c.to = endOfTime
	for m, err := range r.Messages() {
		if err != nil {
			return err
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if !c.begun {
			c.begun = true
			c.from, c.to = c.o.From.from(m.Arrival, 0), c.o.To.from(m.Arrival, endOfTime)
		}
		if m.Arrival >= c.to || c.o.Records > 0 && c.records >= c.o.Records {
			return nil
		}
		if m.Arrival < c.from {
			continue
		}
		if err := c.one(m); err != nil {
			return fmt.Errorf("%v: %w", m.At, err)
		}
	}
	return nil
}

func (c *copier) one(m *recording.Message) (err error) {
	if m.Entry == nil {
		m.Entry = &recording.Entry{RecvNS: m.Arrival, Proto: recording.ProtoHTTP, Status: 200}
	}
	if c.thinner != nil && !m.Raw {
		if m.Body, m.Records, err = c.thinner.Thin(m.Body); err != nil {
			return err
		}
		if over := c.records + int64(m.Records) - c.o.Records; c.o.Records > 0 && over > 0 {
			if m.Body, err = firstRecords(m.Body, m.Records-int(over)); err != nil {
				return err
			}
			m.Records -= int(over)
		}
		if m.Records == 0 {
			return nil
		}
	}
	if c.o.Transform != nil {
		if err := c.o.Transform(m); err != nil {
			return err
		}
	}
	c.records += int64(m.Records)
	return c.w.Write(m)
}
