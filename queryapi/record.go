package queryapi

import (
	"context"
	"encoding/json"
	"slices"

	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/instantdevlogs/devlogs/storage"
)

// record answers GET /api/v1/logs/{id}.
func (s *server) record(ctx context.Context, source *Source, p *params) (any, error) {
	id, err := p.id()
	if err != nil {
		return nil, err
	}
	record, err := source.Get(ctx, id)
	if err != nil {
		return nil, err
	}
	raw, err := newRenderer(false).append(nil, &record)
	return json.RawMessage(raw), err
}

// contextAnswer is a record with its neighbours, all in the order of time.
type contextAnswer struct {
	Before []json.RawMessage `json:"before"`
	Record json.RawMessage   `json:"record"`
	After  []json.RawMessage `json:"after"`
}

// Whose records a context shows.
const (
	contextStream  = "stream"
	contextService = "service"
	contextAll     = "all"
)

const defaultContext = 10

// context answers GET /api/v1/logs/{id}/context: what the same stream logged around a record.
func (s *server) context(ctx context.Context, source *Source, p *params) (any, error) {
	before := p.count("before", min(defaultContext, s.limits.MaxRows), s.limits.MaxRows)
	after := p.count("after", min(defaultContext, s.limits.MaxRows), s.limits.MaxRows)
	scope := p.oneOf("scope", contextStream, contextService, contextAll)
	id, err := p.id()
	if err != nil {
		return nil, err
	}
	record, err := source.Get(ctx, id)
	if err != nil {
		return nil, err
	}
	around := neighbourhood{source: source, record: &record, render: newRenderer(false), reach: timeRange{0, storage.EndOfTime}}
	if s.limits.MaxRange > 0 {
		around.reach.Start = record.Time - min(record.Time, pcommon.Timestamp(s.limits.MaxRange/2))
		around.reach.End = record.Time + pcommon.Timestamp(s.limits.MaxRange/2)
	}
	if around.where, err = around.scope(ctx, scope); err != nil {
		return nil, err
	}
	answer := &contextAnswer{}
	if answer.Record, err = around.render.append(nil, &record); err != nil {
		return nil, err
	}
	if answer.Before, err = around.side(ctx, storage.NewestFirst, before); err != nil {
		return nil, err
	}
	slices.Reverse(answer.Before)
	answer.After, err = around.side(ctx, storage.OldestFirst, after)
	return answer, err
}

// neighbourhood reads the records around one.
type neighbourhood struct {
	source *Source
	record *storage.Record
	render *renderer
	reach  timeRange
	where  storage.Expr
}

// scope matches the records that count as neighbours.
func (n *neighbourhood) scope(ctx context.Context, scope string) (storage.Expr, error) {
	switch scope {
	case contextAll:
		return nil, nil
	case contextService:
		return n.source.ServiceStreams(ctx, n.reach, []string{n.record.Stream.Service})
	default:
		return storage.InStreams{IDs: []uint64{n.record.Stream.ID}}, nil
	}
}

// side gives the records next to the one in a direction, nearest first.
func (n *neighbourhood) side(ctx context.Context, direction storage.Direction, count int) ([]json.RawMessage, error) {
	rows := []json.RawMessage{}
	if count == 0 {
		return rows, nil
	}
	position := n.record.Position()
	query := storage.Query{
		Start: n.reach.Start, End: n.reach.End, Where: n.where, Direction: direction, Limit: count, After: &position,
	}
	size := 0
	for record, err := range n.source.Search(ctx, query) {
		if err != nil {
			return nil, err
		}
		row, err := n.render.append(nil, &record)
		if err != nil {
			return nil, err
		}
		if size += len(row); size > pageBytes && len(rows) > 0 {
			break
		}
		rows = append(rows, row)
	}
	return rows, nil
}

// id reads the record id in the path and ends the reading of parameters.
func (p *params) id() (storage.ID, error) {
	id, err := storage.ParseID(p.request.PathValue("id"))
	if err != nil {
		p.fail("id", err)
	}
	return id, p.err()
}
