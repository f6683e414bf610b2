package source

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/valyala/fastjson"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/instantdevlogs/devlogs/replay/canon"
	"github.com/instantdevlogs/devlogs/replay/ledger"
	"github.com/instantdevlogs/devlogs/replay/verify"
)

// SQL reads what a query of a PostgreSQL database answers: whatever schema it has, the query gives its columns the names
// that sqlColumns knows, and what has no column is not compared.
type SQL struct {
	connection *pgx.Conn
	query      string
	columns    []string
	kept       map[string]bool // prefixes of paths that have a column
	rounded    map[string]bool // times that have microseconds
}

// sqlColumn is a column that a query may have.
type sqlColumn struct {
	name string
	path string // of the leaves that it holds; ends in a dot when it holds a map
	read func(r *canon.Record, text string) error
}

var sqlColumns = []sqlColumn{
	{"uid", "attributes." + ledger.UIDAttribute, func(r *canon.Record, s string) error {
		r.Log.Attributes().PutStr(ledger.UIDAttribute, s)
		return nil
	}},
	{"time", "time", func(r *canon.Record, s string) error {
		t, err := sqlTime(s)
		r.Log.SetTimestamp(t)
		return err
	}},
	{"observed_time", "observed_time", func(r *canon.Record, s string) error {
		t, err := sqlTime(s)
		r.Log.SetObservedTimestamp(t)
		return err
	}},
	{"severity_number", "severity_number", func(r *canon.Record, s string) error {
		n, err := strconv.ParseInt(s, 10, 32)
		r.Log.SetSeverityNumber(plog.SeverityNumber(n))
		return err
	}},
	{"severity_text", "severity_text", func(r *canon.Record, s string) error { r.Log.SetSeverityText(s); return nil }},
	{"event_name", "event_name", func(r *canon.Record, s string) error { r.Log.SetEventName(s); return nil }},
	{"body", "body", func(r *canon.Record, s string) error { r.Log.Body().SetStr(s); return nil }},
	{"trace_id", "trace_id", func(r *canon.Record, s string) error {
		var id pcommon.TraceID
		err := sqlID(s, id[:])
		r.Log.SetTraceID(id)
		return err
	}},
	{"span_id", "span_id", func(r *canon.Record, s string) error {
		var id pcommon.SpanID
		err := sqlID(s, id[:])
		r.Log.SetSpanID(id)
		return err
	}},
	{"service", "resource.service.name", func(r *canon.Record, s string) error {
		r.Resource.Attributes().PutStr("service.name", s)
		return nil
	}},
	{"resource", "resource.", func(r *canon.Record, s string) error { return sqlMap(s, r.Resource.Attributes()) }},
	{"attributes", "attributes.", func(r *canon.Record, s string) error { return sqlMap(s, r.Log.Attributes()) }},
}

// OpenQuery connects and tries the query.
func OpenQuery(ctx context.Context, dsn, query string) (*SQL, error) {
	config, err := pgx.ParseConfig(dsn)
	if err != nil {
		return nil, fmt.Errorf("the sql source's DSN can't be read (as postgres://user:password@host:5432/database)") //nolint:err113 // err may hold the password
	}
	config.DefaultQueryExecMode = pgx.QueryExecModeSimpleProtocol // so that every column comes as text
	connection, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("open the sql source: %w", err)
	}
	s := &SQL{connection: connection, query: strings.TrimRight(strings.TrimSpace(query), ";"), kept: map[string]bool{}, rounded: map[string]bool{}}
	if err := s.learn(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("try the sql source's query: %w", err), connection.Close(context.WithoutCancel(ctx)))
	}
	return s, nil
}

// learn finds out which columns the query has.
func (s *SQL) learn(ctx context.Context) error {
	rows, err := s.connection.Query(ctx, "SELECT * FROM ("+s.query+") AS run LIMIT 0")
	if err != nil {
		return err
	}
	defer rows.Close()
	for _, f := range rows.FieldDescriptions() {
		i := slices.IndexFunc(sqlColumns, func(c sqlColumn) bool { return c.name == f.Name })
		if i < 0 {
			return fmt.Errorf("the column %q is none of %s: rename it with AS, or leave it out", f.Name, sqlColumnNames())
		}
		s.columns = append(s.columns, f.Name)
		s.kept[sqlColumns[i].path] = true
		const timestamp, timestamptz = 1114, 1184 // as in pg_type
		s.rounded[sqlColumns[i].path] = f.DataTypeOID == timestamp || f.DataTypeOID == timestamptz
	}
	if err := rows.Err(); err != nil {
		return err
	}
	if !s.kept["attributes."+ledger.UIDAttribute] && !s.kept["attributes."] && !s.kept["time"] && !s.kept["trace_id"] {
		return errors.New("no column says which record a row is: select uid, or what else the run's identity needs")
	}
	return nil
}

func sqlColumnNames() string {
	var names []string
	for _, c := range sqlColumns {
		names = append(names, c.name)
	}
	return strings.Join(names, ", ")
}

// Traits implements verify.Source.
func (s *SQL) Traits() verify.Traits {
	return verify.Traits{Name: "PostgreSQL at " + s.connection.Config().Host, Live: true, Keeps: s.keeps}
}

func (s *SQL) keeps(l *canon.Leaf) bool {
	path := string(l.Path)
	prefix := path
	switch {
	case strings.HasPrefix(path, "attributes."):
		prefix = "attributes."
	case strings.HasPrefix(path, "resource."):
		prefix = "resource."
	}
	if !s.kept[path] && !s.kept[prefix] || path == "resource.schema_url" || path == "resource.dropped_attributes_count" {
		return false
	}
	plainText(l)
	if s.rounded[path] && l.Kind == canon.Time && len(l.Value) > 3 {
		l.Value = append(append([]byte(nil), l.Value[:len(l.Value)-3]...), "000"...)
	}
	return path != "body" || l.Kind == canon.String
}

// Count implements verify.Source.
func (s *SQL) Count(ctx context.Context, _ verify.Window) (n uint64, err error) {
	err = s.connection.QueryRow(ctx, "SELECT count(*) FROM ("+s.query+") AS run").Scan(&n)
	return n, err
}

// Scan implements verify.Source. The query itself says which rows are meant, so the window is not used.
func (s *SQL) Scan(ctx context.Context, _ verify.Window) iter.Seq2[*canon.Record, error] {
	return func(yield func(*canon.Record, error) bool) {
		rows, err := s.connection.Query(ctx, s.query)
		if err != nil {
			yield(nil, err)
			return
		}
		defer rows.Close()
		for rows.Next() {
			r, err := s.record(rows.RawValues())
			if !yield(r, err) || err != nil {
				return
			}
		}
		if err := rows.Err(); err != nil {
			yield(nil, err)
		}
	}
}

func (s *SQL) record(values [][]byte) (*canon.Record, error) {
	r := canon.New()
	for i, name := range s.columns {
		if values[i] == nil {
			continue
		}
		c := sqlColumns[slices.IndexFunc(sqlColumns, func(c sqlColumn) bool { return c.name == name })]
		if err := c.read(r, string(values[i])); err != nil {
			return nil, fmt.Errorf("read column %s: %w", name, err)
		}
	}
	return r, nil
}

// Close implements io.Closer.
func (s *SQL) Close() error { return s.connection.Close(context.Background()) }

// sqlTime reads nanoseconds since 1970, or a timestamp as PostgreSQL writes it.
func sqlTime(s string) (pcommon.Timestamp, error) {
	if n, err := strconv.ParseUint(s, 10, 64); err == nil {
		return pcommon.Timestamp(n), nil
	}
	for _, layout := range [...]string{"2006-01-02 15:04:05.999999Z07", "2006-01-02 15:04:05.999999Z07:00", "2006-01-02 15:04:05.999999"} {
		if t, err := time.Parse(layout, s); err == nil {
			return pcommon.NewTimestampFromTime(t), nil
		}
	}
	return 0, fmt.Errorf("%q is neither nanoseconds nor a timestamp", s)
}

// sqlID reads hex, as text or as bytea, with or without a UUID's dashes.
func sqlID(s string, id []byte) error {
	s = strings.ReplaceAll(strings.TrimPrefix(s, `\x`), "-", "")
	if len(s) != 2*len(id) {
		return fmt.Errorf("%q has not %d hex digits", s, 2*len(id))
	}
	_, err := hex.Decode(id, []byte(s))
	return err
}

// sqlMap adds the JSON object to what other columns have put in.
func sqlMap(s string, m pcommon.Map) error {
	v, err := fastjson.Parse(s)
	if err != nil {
		return err
	}
	read := pcommon.NewMap()
	if err := readMap(v, read); err != nil {
		return err
	}
	for key, value := range read.All() {
		value.CopyTo(m.PutEmpty(key))
	}
	return nil
}
