package duckdb

import (
	"context"
	"fmt"
	"slices"

	"github.com/instantdevlogs/devlogs/storage"
	"github.com/instantdevlogs/devlogs/storage/duckdb/internal/engine"
)

// Fields implements storage.Reader.
func (c *core) Fields(ctx context.Context, tenant, service string) ([]storage.Field, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	all, version := c.known.fields(tenant)
	if all == nil {
		var err error
		if all, err = c.readFields(ctx, tenant); err != nil {
			return nil, fmt.Errorf("read fields: %w", err)
		}
		c.known.keepFields(tenant, version, all)
	}
	if service == "" {
		return slices.Clone(all), nil
	}
	var fields []storage.Field
	for _, f := range all {
		if f.Service == service {
			fields = append(fields, f)
		}
	}
	return fields, nil
}

func (c *core) readFields(ctx context.Context, tenant string) ([]storage.Field, error) {
	fields := []storage.Field{}
	err := c.reading(ctx, func(*sums) bool { return true }, func(conn *engine.Conn, parts []held) error {
		var b statement
		b.addf("SELECT DISTINCT name, type, path, service FROM (")
		unionAll(&b, parts, fieldsTable)
		b.addf(") WHERE tenant = %s ORDER BY name, type, path, service", b.arg(tenant))
		result, err := conn.Query(ctx, b.String(), b.args...)
		if err != nil {
			return err
		}
		defer result.Close()
		for chunk, ok := result.Next(); ok; chunk, ok = result.Next() {
			for i := range chunk.Len {
				fields = append(fields, storage.Field{
					Name: chunk.Texts(0).At(i), Type: storage.FieldType(engine.Column[uint8](chunk, 1)[i]),
					Path: chunk.Texts(2).At(i), Service: chunk.Texts(3).At(i),
				})
			}
		}
		return nil
	})
	return fields, err
}
