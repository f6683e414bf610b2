package duckdb

import (
	"context"
	"encoding/binary"
	"fmt"
	"strings"

	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/instantdevlogs/devlogs/storage"
	"github.com/instantdevlogs/devlogs/storage/duckdb/internal/engine"
)

// recordColumns are the columns of logs in their order, which scanRecords relies on.
var recordColumns = func() string {
	names := make([]string, len(logColumns))
	for i, c := range logColumns {
		names[i] = c.name
	}
	return strings.Join(names, ", ")
}()

// queryRecords runs a query for recordColumns.
func (c *core) queryRecords(
	ctx context.Context, conn *engine.Conn, tenant, sql string, args ...any,
) ([]storage.Record, error) {
	result, err := conn.Query(ctx, sql, args...)
	if err != nil {
		return nil, err
	}
	defer result.Close()
	var records []storage.Record
	var streams []uint64
	for chunk, ok := result.Next(); ok; chunk, ok = result.Next() {
		records = scanRecords(records, chunk)
		streams = append(streams, engine.Column[uint64](chunk, colStream)...)
	}
	found, err := c.findStreams(ctx, conn, tenant, streams)
	if err != nil {
		return nil, fmt.Errorf("read the streams of the records: %w", err)
	}
	for i := range records {
		records[i].Stream = found[streams[i]]
	}
	return records, nil
}

func scanRecords(records []storage.Record, c engine.Chunk) []storage.Record {
	times, seqs, rows := engine.Column[uint64](c, colTime), engine.Column[uint64](c, colBatchSeq), engine.Column[uint32](c, colRowNo)
	sources, observed := engine.Column[uint8](c, colTimeSource), engine.Column[uint64](c, colObserved)
	severities, severityTexts := engine.Column[int32](c, colSeverity), c.Texts(colSeverityText)
	bodies, kinds, attributes := c.Texts(colBody), engine.Column[uint8](c, colBodyKind), c.Texts(colAttributes)
	dropped, traces, spans := engine.Column[uint32](c, colDropped), c.UUIDs(colTraceID), engine.Column[uint64](c, colSpanID)
	flags, events := engine.Column[uint32](c, colFlags), c.Texts(colEventName)
	for i := range c.Len {
		r := storage.Record{
			ID:   storage.ID{Batch: seqs[i], Row: rows[i]},
			Time: pcommon.Timestamp(times[i]), TimeSource: storage.TimeSource(sources[i]), Observed: pcommon.Timestamp(observed[i]),
			Severity: severities[i], SeverityText: severityTexts.At(i),
			Body: bodies.At(i), BodyKind: storage.BodyKind(kinds[i]), Attributes: attributes.At(i), Dropped: dropped[i],
			TraceID: pcommon.TraceID(traces.At(i)), Flags: flags[i], EventName: events.At(i),
		}
		binary.BigEndian.PutUint64(r.SpanID[:], spans[i])
		records = append(records, r)
	}
	return records
}

// Get implements storage.Reader.
func (c *core) Get(ctx context.Context, tenant string, id storage.ID) (storage.Record, error) {
	var records []storage.Record
	keep := func(p *sums) bool { return p.firstSeq < id.Batch && id.Batch <= p.lastSeq }
	err := c.reading(ctx, keep, func(conn *engine.Conn, parts []held) (err error) {
		for _, p := range parts { // lanes take places in turn, so more than one may hold the batch
			if len(records) > 0 {
				break
			}
			records, err = c.queryRecords(ctx, conn, tenant,
				"SELECT "+recordColumns+" FROM "+p.name+".logs WHERE batch_seq = $1 AND row_no = $2 AND tenant = $3",
				id.Batch, uint64(id.Row), tenant)
			if err != nil {
				return err
			}
		}
		return err
	})
	switch {
	case err != nil:
		return storage.Record{}, fmt.Errorf("read record %s: %w", id, err)
	case len(records) == 0:
		return storage.Record{}, fmt.Errorf("record %s: %w", id, storage.ErrNotFound)
	}
	return records[0], nil
}

// Stats implements storage.Reader.
func (c *core) Stats(context.Context) (storage.Stats, error) {
	c.life.RLock()
	defer c.life.RUnlock()
	if c.instance == nil {
		return storage.Stats{}, ErrClosed
	}
	stats := storage.Stats{LastBatch: c.partitions.head(), Bytes: uint64(c.partitions.bytes())}
	for _, p := range c.partitions.snapshot() {
		if p.batches > 0 {
			if stats.Batches == 0 {
				stats.MinTime = pcommon.Timestamp(p.minTime)
			}
			stats.MinTime, stats.MaxTime = min(stats.MinTime, pcommon.Timestamp(p.minTime)), max(stats.MaxTime, pcommon.Timestamp(p.maxTime))
		}
		stats.Records += p.rows
		stats.Batches += p.batches
	}
	return stats, nil
}
