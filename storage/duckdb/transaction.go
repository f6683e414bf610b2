package duckdb

import (
	"context"
	"errors"
	"fmt"

	"github.com/instantdevlogs/devlogs/storage/duckdb/internal/engine"
)

// transaction stores batches in one partition: their rows, their ledger rows and what is new to the catalogues.
type transaction struct {
	conn      *engine.Conn
	partition string
	catalogue *catalogue
	seq       uint64 // of the last batch before the transaction's
	committed uint64 // the time of the commit
}

func (t *transaction) run(ctx context.Context, group []*waiter) (err error) {
	if err := t.conn.Exec(ctx, "BEGIN"); err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	defer func() {
		if err != nil {
			// On a fatal error there is nothing left to roll back; the error that led here says more than this one.
			_ = t.conn.Exec(ctx, "ROLLBACK")
		}
	}()
	if err := errors.Join(t.appendLogs(group), t.appendBatches(group), t.appendCatalogue(group)); err != nil {
		return err
	}
	if err := t.conn.Exec(ctx, "COMMIT"); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	return nil
}

func (t *transaction) appendLogs(group []*waiter) error {
	return t.appendTo(logsTable, func(a *engine.Appender) error {
		l := logAppender{Appender: a}
		for i, w := range group {
			if err := l.add(w.batch.Rows, t.seq+1+uint64(i)); err != nil {
				return err
			}
		}
		return l.flush()
	})
}

func (t *transaction) appendBatches(group []*waiter) error {
	return t.appendTo(batchesTable, func(a *engine.Appender) error {
		b := rowAppender{Appender: a}
		for i, w := range group {
			r := w.batch.Rows
			if err := b.add(t.seq+1+uint64(i), engine.UUID(w.batch.ID), r.Tenant, uint32(r.Len()), r.MinTime, r.MaxTime,
				t.committed, engine.UUID(w.batch.Payload)); err != nil {
				return err
			}
		}
		return b.flush()
	})
}

// appendCatalogue writes the streams and fields that the partition doesn't have yet.
func (t *transaction) appendCatalogue(group []*waiter) error {
	t.catalogue.collect(group)
	return errors.Join(
		appendRows(t, streamsTable, t.catalogue.newStreams, func(b *rowAppender, n newStream) error {
			s := n.stream
			return b.add(s.ID, s.Tenant, s.Service, s.Resource, s.ResourceDropped, s.ResourceSchemaURL, s.ScopeName, s.ScopeVersion,
				s.Scope, s.ScopeDropped, s.ScopeSchemaURL)
		}),
		appendRows(t, spansTable, t.catalogue.newSpans, func(b *rowAppender, n newSpan) error {
			return b.add(n.id, n.tenant, n.first, n.last)
		}),
		appendRows(t, fieldsTable, t.catalogue.newFields, func(b *rowAppender, n tenantField) error {
			return b.add(n.tenant, n.field.Service, n.field.Name, n.field.Path, uint8(n.field.Type))
		}),
	)
}

func appendRows[T any](t *transaction, table string, rows []T, add func(*rowAppender, T) error) error {
	if len(rows) == 0 {
		return nil
	}
	return t.appendTo(table, func(a *engine.Appender) error {
		b := rowAppender{Appender: a}
		for _, row := range rows {
			if err := add(&b, row); err != nil {
				return err
			}
		}
		return b.flush()
	})
}

func (t *transaction) appendTo(table string, fill func(*engine.Appender) error) error {
	a, err := t.conn.NewAppender(t.partition, table)
	if err != nil {
		return fmt.Errorf("append to %s: %w", table, err)
	}
	defer a.Close()
	if err := fill(a); err != nil {
		return fmt.Errorf("append to %s: %w", table, err)
	}
	return nil
}
