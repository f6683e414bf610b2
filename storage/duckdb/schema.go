package duckdb

import (
	"context"
	"fmt"
	"strings"

	"github.com/instantdevlogs/devlogs/storage/duckdb/internal/engine"
)

// column is a table's column. The order of these lists is the order of appending and of reading.
type column struct{ name, kind string }

// Times are UBIGINT nanoseconds, as in OTLP: TIMESTAMP_NS ends in 2262 and could not give every time back. An id that is
// absent is all zeros.
var logColumns = []column{
	{"time", "UBIGINT"}, {"batch_seq", "UBIGINT"}, {"row_no", "UINTEGER"}, {"tenant", "VARCHAR"}, {"stream", "UBIGINT"},
	{"time_source", "UTINYINT"}, {"observed", "UBIGINT"}, {"severity", "INTEGER"}, {"severity_text", "VARCHAR"},
	{"body", "VARCHAR"}, {"body_kind", "UTINYINT"}, {"attributes", "VARCHAR"}, {"dropped", "UINTEGER"},
	{"trace_id", "UUID"}, {"span_id", "UBIGINT"}, {"flags", "UINTEGER"}, {"event_name", "VARCHAR"},
} // and since version 3 signature, since version 4 words, which are not read, see migrations

var streamColumns = []column{
	{"id", "UBIGINT"}, {"tenant", "VARCHAR"}, {"service", "VARCHAR"},
	{"resource", "VARCHAR"}, {"resource_dropped", "UINTEGER"}, {"resource_schema_url", "VARCHAR"},
	{"scope_name", "VARCHAR"}, {"scope_version", "VARCHAR"}, {"scope", "VARCHAR"}, {"scope_dropped", "UINTEGER"},
	{"scope_schema_url", "VARCHAR"},
}

// A stream's times widen as records arrive; each widening is a row, which costs no update.
var spanColumns = []column{{"id", "UBIGINT"}, {"tenant", "VARCHAR"}, {"first", "UBIGINT"}, {"last", "UBIGINT"}}

var fieldColumns = []column{
	{"tenant", "VARCHAR"}, {"service", "VARCHAR"}, {"name", "VARCHAR"}, {"path", "VARCHAR"}, {"type", "UTINYINT"},
}

var batchColumns = []column{
	{"batch_seq", "UBIGINT"}, {"batch_id", "UUID"}, {"tenant", "VARCHAR"}, {"rows", "UINTEGER"},
	{"min_time", "UBIGINT"}, {"max_time", "UBIGINT"}, {"committed", "UBIGINT"},
} // and since version 2 payload, see migrations

const (
	logsTable    = "logs"
	streamsTable = "log_streams"
	spansTable   = "log_stream_spans"
	fieldsTable  = "log_fields"
	batchesTable = "log_batches"
)

// migrations bring a partition from one version of the schema to the next; version 0 is an empty file. They are never
// changed once released, only added to. "DB" stands for the partition's name.
var migrations = [][]string{
	{
		create(logsTable, logColumns),
		create(streamsTable, streamColumns),
		create(spansTable, spanColumns),
		create(fieldsTable, fieldColumns),
		create(batchesTable, batchColumns),
	},
	{ // the storage.Fingerprint; all zeros says nothing
		"ALTER TABLE DB." + batchesTable + " ADD COLUMN payload UUID DEFAULT '00000000-0000-0000-0000-000000000000'",
	},
	{ // storage.Rows.Signature; all ones says nothing
		"ALTER TABLE DB." + logsTable + " ADD COLUMN signature UBIGINT DEFAULT 18446744073709551615",
	},
	{ // storage.Rows.Words; storage.WordsUnknown says nothing
		"ALTER TABLE DB." + logsTable + " ADD COLUMN words VARCHAR USING COMPRESSION dict_fsst DEFAULT '~'",
	},
}

func create(table string, columns []column) string {
	var b strings.Builder
	for i, c := range columns {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "%s %s NOT NULL", c.name, c.kind)
	}
	return "CREATE TABLE DB." + table + " (" + b.String() + ")"
}

// migrate brings an attached partition to the newest schema. A new partition's ledger starts after the sequence base.
func migrate(ctx context.Context, conn *engine.Conn, db string, base uint64) (err error) {
	if err := conn.Exec(ctx, "CREATE TABLE IF NOT EXISTS "+db+".devlogs_schema (version UBIGINT, base_seq UBIGINT)"); err != nil {
		return err
	}
	version, err := queryUint(ctx, conn, "SELECT coalesce(max(version), 0) FROM "+db+".devlogs_schema")
	if err != nil {
		return err
	}
	newest := uint64(len(migrations))
	if version > newest {
		return fmt.Errorf("the file was written by a newer devlogs (schema %d; this one knows up to %d): "+
			"run that version, or point path at another directory", version, newest)
	}
	if version == newest {
		return nil
	}
	if err := conn.Exec(ctx, "BEGIN"); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = conn.Exec(context.WithoutCancel(ctx), "ROLLBACK") // the error that led here says more
		}
	}()
	for _, statements := range migrations[version:] {
		for _, statement := range statements {
			if err := conn.Exec(ctx, strings.ReplaceAll(statement, "DB.", db+".")); err != nil {
				return err
			}
		}
	}
	if version == 0 {
		err = conn.Exec(ctx, "INSERT INTO "+db+".devlogs_schema VALUES ($1, $2)", newest, base)
	} else {
		err = conn.Exec(ctx, "UPDATE "+db+".devlogs_schema SET version = $1", newest)
	}
	if err != nil {
		return err
	}
	return conn.Exec(ctx, "COMMIT")
}

// queryUint runs a query for one number.
func queryUint(ctx context.Context, conn *engine.Conn, sql string, args ...any) (uint64, error) {
	result, err := conn.Query(ctx, sql, args...)
	if err != nil {
		return 0, err
	}
	defer result.Close()
	chunk, ok := result.Next()
	if !ok || chunk.Len == 0 {
		return 0, fmt.Errorf("%s: no row", sql)
	}
	return engine.Column[uint64](chunk, 0)[0], nil
}
