package queryapi

import (
	"context"
	"encoding/json"

	"github.com/instantdevlogs/devlogs/storage"
)

// page is the answer of GET /api/v1/logs in JSON.
type page struct {
	Logs       []json.RawMessage `json:"logs"`
	NextCursor string            `json:"next_cursor,omitempty"` // absent on the last page
	Start      string            `json:"start"`
	End        string            `json:"end"`
	Warnings   []string          `json:"warnings,omitempty"` // what is odd about the query, for people
}

const (
	defaultRows = 100
	// pageBytes ends a page early, with a cursor, so that a page of huge records stays a page.
	pageBytes = 8 << 20
)

// logs answers GET /api/v1/logs: a page of JSON, or everything as NDJSON or CSV.
func (s *server) logs(ctx context.Context, source *Source, p *params) (any, error) {
	f := p.queried()
	format := p.format()
	direction := p.direction()
	var limit int
	if format == formatJSON {
		limit = p.rows()
	} else {
		limit = p.count("limit", 0, maxExportLimit)
	}
	after := p.cursor(&f, direction)
	if err := p.err(); err != nil {
		return nil, err
	}
	query, err := f.query(ctx, source)
	if err != nil {
		return nil, err
	}
	query.Direction, query.After, query.Limit = direction, after, limit
	if format != formatJSON {
		all, err := s.find(ctx, source, &f, query)
		return &export{format: format, found: all, writeTimeout: s.writeTimeout}, err
	}
	return s.page(ctx, source, &f, query)
}

// page reads one record more than it gives, which tells whether there is a next page.
func (s *server) page(ctx context.Context, source *Source, f *filters, query storage.Query) (*page, error) {
	limit := query.Limit
	answer := &page{Logs: []json.RawMessage{}, Start: formatTime(f.Start), End: formatTime(f.End)}
	if limit == 0 {
		return answer, nil
	}
	query.Limit++
	all, err := s.find(ctx, source, f, query)
	if err != nil {
		return nil, err
	}
	answer.Warnings = all.warnings
	render := newRenderer(all.queried)
	var last storage.Position
	size := 0
	for entry, err := range all.entries {
		if err != nil {
			return nil, err
		}
		if len(answer.Logs) == limit || size >= pageBytes {
			answer.NextCursor = cursor{timeRange: f.timeRange, position: last, filters: f.fingerprint(query.Direction)}.String()
			break
		}
		row, err := render.entry(nil, entry)
		if err != nil {
			return nil, err
		}
		answer.Logs = append(answer.Logs, row)
		size += len(row)
		last = entry.Record.Position()
	}
	return answer, nil
}

// rows reads limit, the records of a page.
func (p *params) rows() int {
	n := p.count("limit", min(defaultRows, p.limits.MaxRows), maxExportLimit)
	if n > p.limits.MaxRows {
		p.fail("limit", overLimit("max_rows", "limit: a page holds at most %d records, got %d", p.limits.MaxRows, n))
	}
	return n
}

func (p *params) direction() storage.Direction {
	if p.oneOf("direction", "backward", "forward") == "forward" {
		return storage.OldestFirst
	}
	return storage.NewestFirst
}

// cursor reads where the page before ended and takes over its time range.
func (p *params) cursor(f *filters, direction storage.Direction) *storage.Position {
	text := p.text("cursor")
	if text == "" {
		return nil
	}
	c, err := parseCursor(text, f.fingerprint(direction))
	if err != nil {
		p.fail("cursor", err)
		return nil
	}
	f.timeRange = c.timeRange
	return &c.position
}
