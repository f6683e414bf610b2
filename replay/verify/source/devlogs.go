package source

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/url"
	"strconv"
	"strings"

	"github.com/valyala/fastjson"
	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/instantdevlogs/devlogs/replay/canon"
	"github.com/instantdevlogs/devlogs/replay/ledger"
	"github.com/instantdevlogs/devlogs/replay/verify"
)

// Devlogs reads the devlogs query API: its NDJSON export, which has no row limit.
type Devlogs struct{ *client }

// OpenDevlogs takes the API's base URL.
func OpenDevlogs(text string) (*Devlogs, error) {
	c, rest, err := newClient(text)
	if err != nil {
		return nil, err
	}
	for option := range rest {
		return nil, fmt.Errorf("devlogs=%s: there is no option %q, only tenant and exclusive", text, option)
	}
	return &Devlogs{c}, nil
}

// Traits implements verify.Source.
func (d *Devlogs) Traits() verify.Traits {
	return verify.Traits{
		Name: "devlogs at " + d.base.Host, Live: true, Exclusive: d.exclusive, Order: verify.ByTime, Keeps: devlogsKeeps,
	}
}

// devlogsKeeps is what the API's JSON says of a record.
func devlogsKeeps(l *canon.Leaf) bool {
	switch string(l.Path) {
	case "resource.dropped_attributes_count", "resource.schema_url", "scope.schema_url", "scope.dropped_attributes_count":
		return false
	case "scope.name", "scope.version":
		l.Value = []byte(strings.ToValidUTF8(string(l.Value), "\uFFFD"))
		return true
	}
	plainText(l)
	return true
}

// Count implements verify.Source: it counts the whole store.
func (d *Devlogs) Count(ctx context.Context, _ verify.Window) (uint64, error) {
	var stats struct {
		Records uint64 `json:"records"`
	}
	err := d.getJSON(ctx, "/api/v1/stats", nil, nil, &stats)
	return stats.Records, err
}

// Scan implements verify.Source.
func (d *Devlogs) Scan(ctx context.Context, w verify.Window) iter.Seq2[*canon.Record, error] {
	return func(yield func(*canon.Record, error) bool) {
		body, err := d.get(ctx, "/api/v1/logs", url.Values{
			"format": {"ndjson"}, "direction": {"forward"}, "start": {unixNano(w.From)}, "end": {unixNano(w.To)},
		}, nil)
		if err != nil {
			yield(nil, err)
			return
		}
		defer body.Close()
		reader := exportReader{in: bufio.NewReaderSize(body, 1<<20)}
		for {
			r, err := reader.next()
			if errors.Is(err, io.EOF) {
				return
			}
			if !yield(r, err) || err != nil {
				return
			}
		}
	}
}

// Lookup implements verify.Finder: it reads the records of just that nanosecond.
func (d *Devlogs) Lookup(ctx context.Context, uid string, at pcommon.Timestamp) (bool, error) {
	body, err := d.get(ctx, "/api/v1/logs", url.Values{
		"format": {"ndjson"}, "start": {unixNano(at)}, "end": {unixNano(at + 1)},
	}, nil)
	if err != nil {
		return false, err
	}
	defer body.Close()
	reader := exportReader{in: bufio.NewReader(body)}
	for {
		r, err := reader.next()
		if errors.Is(err, io.EOF) {
			return false, nil
		}
		if err != nil {
			return false, err
		}
		if r.Text(ledger.UIDAttribute) == uid {
			return true, nil
		}
	}
}

// unixNano writes a time so that the API takes it for nanoseconds, whatever its magnitude.
func unixNano(t pcommon.Timestamp) string {
	if t >= 1e17 {
		return strconv.FormatUint(uint64(t), 10)
	}
	return fmt.Sprintf("%d.%09d", uint64(t)/1e9, uint64(t)%1e9)
}

// exportReader reads the lines of an export, one record each.
type exportReader struct {
	in     *bufio.Reader
	long   []byte
	parser fastjson.Parser
	record *canon.Record

	stream string // the id of the stream that record's resource and scope are of
}

// next returns a record that holds until the next call, io.EOF after the last.
func (e *exportReader) next() (*canon.Record, error) {
	line, err := e.line()
	if err != nil {
		return nil, err
	}
	v, err := e.parser.ParseBytes(line)
	if err != nil {
		return nil, fmt.Errorf("read the export: %w", err)
	}
	if failure := v.Get("error"); failure != nil && v.Get("id") == nil {
		return nil, fmt.Errorf("the export broke off: %s", failure)
	}
	if id := string(v.GetStringBytes("stream")); e.record == nil || id != e.stream {
		// A new one each time, as those who hash records take the same resource for an equal one.
		e.record, e.stream = canon.New(), id
		if err := readStream(v, e.record); err != nil {
			return nil, fmt.Errorf("read the export's record %s: %w", v.GetStringBytes("id"), err)
		}
	}
	if err := readRecord(v, e.record); err != nil {
		return nil, fmt.Errorf("read the export's record %s: %w", v.GetStringBytes("id"), err)
	}
	return e.record, nil
}

// line returns the next line that is not empty, however long.
func (e *exportReader) line() ([]byte, error) {
	for {
		line, err := e.in.ReadSlice('\n')
		if errors.Is(err, bufio.ErrBufferFull) {
			e.long = append(e.long[:0], line...)
			var rest []byte
			rest, err = e.in.ReadBytes('\n')
			e.long = append(e.long, rest...)
			line = e.long
		}
		line = bytes.TrimSpace(line)
		switch {
		case err != nil && !errors.Is(err, io.EOF):
			return nil, fmt.Errorf("read the export: %w", err)
		case len(line) > 0:
			return line, nil
		case err != nil:
			return nil, io.EOF
		}
	}
}
