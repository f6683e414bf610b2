package client

import (
	"context"
	"encoding/json"
	"iter"
	"maps"
	"net/url"
	"strconv"
	"time"
)

// Record is one log record of an answer.
type Record struct {
	ID         string          `json:"id"`
	Time       time.Time       `json:"time"`
	Level      string          `json:"level"`
	Service    string          `json:"service"`
	Body       json.RawMessage `json:"body"`
	Attributes json.RawMessage `json:"attributes"`
	TraceID    string          `json:"trace_id"`
	Resource   json.RawMessage `json:"resource"`

	// Line and Labels are what a query of LogQL made of the record; nil without one.
	Line   *string           `json:"line"`
	Labels map[string]string `json:"labels"`

	JSON json.RawMessage `json:"-"` // the whole object as the server sent it
}

// pageRows is how many records one request asks for.
const pageRows = 1000

// Logs yields the records that query selects (the parameters of GET /api/v1/logs), at most limit, or all when it is 0. It
// asks for page after page as the records are taken. An error comes once, as the last element.
func (c *Client) Logs(ctx context.Context, query url.Values, limit int) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		query := maps.Clone(query)
		for left := limit; ; {
			rows := pageRows
			if limit > 0 {
				rows = min(left, pageRows)
			}
			query.Set("limit", strconv.Itoa(rows))
			var page struct {
				Logs       []json.RawMessage
				NextCursor string `json:"next_cursor"`
			}
			if err := c.Get(ctx, "/api/v1/logs", query, &page); err != nil {
				yield(Record{}, err)
				return
			}
			for _, raw := range page.Logs {
				record := Record{JSON: raw}
				if err := json.Unmarshal(raw, &record); err != nil {
					yield(Record{}, err)
					return
				}
				if !yield(record, nil) {
					return
				}
			}
			left -= len(page.Logs)
			if page.NextCursor == "" || limit > 0 && left <= 0 {
				return
			}
			query.Set("cursor", page.NextCursor)
		}
	}
}
