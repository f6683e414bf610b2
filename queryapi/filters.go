package queryapi

import (
	"context"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/instantdevlogs/devlogs/logql"
	"github.com/instantdevlogs/devlogs/logql/pipeline"
	"github.com/instantdevlogs/devlogs/storage"
)

// filters are the simple filters that every endpoint takes. They are sugar: query makes the same storage.Query of them
// that LogQL does.
type filters struct {
	timeRange
	logql    *logql.LogQuery // besides; nil: none
	services []string
	level    int32 // the least severity number; 0 when all
	text     storage.And
	traceID  string
}

// filters reads start, end, since, service, level, q and trace_id.
func (p *params) filters() filters {
	f := p.conditions()
	since := defaultSince
	if f.traceID != "" {
		since = 0 // an id is precise enough to look for it in all that is stored
	}
	f.timeRange = p.timeRange(since)
	return f
}

// conditions reads the filters but for the time range.
func (p *params) conditions() filters {
	f := filters{services: p.texts("service")}
	var err error
	if level := p.text("level"); level != "" {
		if f.level, err = parseLevel(level); err != nil {
			p.fail("level", err)
		}
	}
	if f.text, err = parseText(p.text("q")); err != nil {
		p.fail("q", err)
	}
	if id := p.text("trace_id"); id != "" {
		if f.traceID, err = parseTraceID(id); err != nil {
			p.fail("trace_id", err)
		}
	}
	return f
}

// queried reads the simple filters and query, a log query of LogQL.
func (p *params) queried() filters {
	f := p.filters()
	f.logql = p.logQuery()
	return f
}

// logQuery reads query; nil when it is absent.
func (p *params) logQuery() *logql.LogQuery {
	text := p.text("query")
	if text == "" {
		return nil
	}
	expr, err := logql.Parse(text)
	if err == nil {
		err = pipeline.Check(expr)
	}
	if err != nil {
		p.fail("query", apiErrorOf(context.Background(), err))
		return nil
	}
	query, ok := expr.(*logql.LogQuery)
	if !ok {
		p.fail("query", &apiError{
			Code: codeInvalidParameter, Message: "query: " + text + " gives numbers, and this endpoint gives logs",
			Hint: "ask /loki/api/v1/query or /loki/api/v1/query_range, or take the log query out of it",
		})
	}
	return query
}

// parseTraceID reads 32 hex digits in either case, with or without a UUID's dashes.
func parseTraceID(s string) (string, error) {
	id := strings.ToLower(strings.ReplaceAll(s, "-", ""))
	if raw, err := hex.DecodeString(id); err != nil || len(raw) != 16 {
		return "", fmt.Errorf("32 hex digits, got %q", s)
	}
	return id, nil
}

// query asks for what the filters select. It looks up the services' streams.
func (f *filters) query(ctx context.Context, source *Source) (storage.Query, error) {
	var where storage.And
	if len(f.services) > 0 {
		streams, err := source.ServiceStreams(ctx, f.timeRange, f.services)
		if err != nil {
			return storage.Query{}, err
		}
		where = append(where, streams)
	}
	where = append(where, f.records()...)
	return storage.Query{Start: f.Start, End: f.End, Where: where}, nil
}

// records are the conditions that a record shows by itself: all but services.
func (f *filters) records() (where storage.And) {
	if f.traceID != "" {
		where = append(where, storage.Text{
			Field: storage.FieldRef{Kind: storage.FieldTraceID}, Op: storage.TextEqual, Value: f.traceID,
		})
	}
	if f.level > 0 {
		where = append(where, atLeast(f.level))
	}
	return append(where, f.text...)
}
