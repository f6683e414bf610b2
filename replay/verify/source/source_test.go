package source_test

import (
	"context"
	"fmt"
	"io"
	"iter"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/extension/extensiontest"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"pgregory.net/rapid"

	"github.com/instantdevlogs/devlogs/internal/testservices"
	"github.com/instantdevlogs/devlogs/queryapi"
	"github.com/instantdevlogs/devlogs/replay/canon"
	"github.com/instantdevlogs/devlogs/replay/canon/canontest"
	"github.com/instantdevlogs/devlogs/replay/ledger"
	"github.com/instantdevlogs/devlogs/replay/sink"
	"github.com/instantdevlogs/devlogs/replay/verify"
	"github.com/instantdevlogs/devlogs/replay/verify/source"
	"github.com/instantdevlogs/devlogs/storage"
	"github.com/instantdevlogs/devlogs/storage/duckdb"
)

func TestMain(m *testing.M) { os.Exit(testservices.Run(m)) }

const base = 1_800_000_000_000_000_000

// run is what was sent, and the ledger that says so.
type run struct {
	ledger *ledger.Reader
	logs   []plog.Logs
}

// newRun draws requests of one record each with all that OTLP allows.
func newRun(t *testing.T, rt *rapid.T) *run {
	var records []*canon.Record
	for range rapid.IntRange(1, 5).Draw(rt, "records") {
		records = append(records, canontest.Record(rt))
	}
	return runOf(t, rt, records)
}

// runOf gives records a uid and a time, a request each, and notes these as acknowledged.
func runOf(t *testing.T, rt require.TestingT, records []*canon.Record) *run {
	dir, err := os.MkdirTemp(t.TempDir(), "")
	require.NoError(rt, err)
	w, err := ledger.Create(dir, ledger.Meta{})
	require.NoError(rt, err)
	r := &run{}
	for i, record := range records {
		id := uint64(i)
		record.Log.SetTimestamp(pcommon.Timestamp(base + id))
		record.Log.Attributes().PutStr(ledger.UIDAttribute, ledger.UID{Run: w.Meta().Run, Ordinal: id}.String())
		logs := plog.NewLogs()
		rl := logs.ResourceLogs().AppendEmpty()
		rl.SetSchemaUrl(record.ResourceSchema)
		record.Resource.CopyTo(rl.Resource())
		sl := rl.ScopeLogs().AppendEmpty()
		sl.SetSchemaUrl(record.ScopeSchema)
		record.Scope.CopyTo(sl.Scope())
		record.Log.CopyTo(sl.LogRecords().AppendEmpty())
		r.logs = append(r.logs, logs)
		a, err := w.Begin(ledger.Request{ID: id, First: id, Records: 1})
		require.NoError(rt, err)
		require.NoError(rt, w.End(a, ledger.Outcome{Class: ledger.Ack}))
	}
	require.NoError(rt, w.Close())
	r.ledger, err = ledger.Open(dir)
	require.NoError(rt, err)
	return r
}

func (r *run) expected(context.Context) iter.Seq2[verify.Sent, error] {
	return func(yield func(verify.Sent, error) bool) {
		for id, logs := range r.logs {
			if !yield(verify.Sent{Request: ledger.Request{ID: uint64(id), First: uint64(id), Records: 1}, Logs: logs}, nil) {
				return
			}
		}
	}
}

func (r *run) verify(t *testing.T, rt require.TestingT, s verify.Source) {
	result, text := r.result(t, rt, s)
	require.Empty(rt, result.Failures(), text)
	require.Equal(rt, uint64(len(r.logs)), result.Delivered)
}

func (r *run) result(t *testing.T, rt require.TestingT, s verify.Source) (*verify.Result, string) {
	result, err := verify.Run(t.Context(), verify.Options{
		Ledger: r.ledger, Expected: r.expected, Source: s, Settle: time.Nanosecond,
	})
	require.NoError(rt, err)
	var text strings.Builder
	require.NoError(rt, result.WriteText(&text))
	return result, text.String()
}

func openStore(t *testing.T) (*duckdb.Store, string) {
	path := t.TempDir()
	store, err := duckdb.Open(t.Context(), duckdb.DefaultConfig(path))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, store.Close()) })
	return store, path
}

func (r *run) store(t *testing.T, rt require.TestingT, w storage.Writer) {
	var rows storage.Rows
	for _, logs := range r.logs {
		storage.Encode(&rows, logs, "", base)
	}
	_, err := w.Write(t.Context(), storage.Batch{ID: uuid.New(), Rows: &rows})
	require.NoError(rt, err)
}

// startAPI serves the store in path.
func startAPI(t *testing.T, path string) (url string) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	address := l.Addr().String()
	require.NoError(t, l.Close())
	factory := queryapi.NewFactory()
	config := factory.CreateDefaultConfig()
	require.NoError(t, confmap.NewFromStringMap(map[string]any{
		"endpoint": address, "storage": map[string]any{"duckdb": map[string]any{"path": path}},
	}).Unmarshal(config))
	extension, err := factory.Create(t.Context(), extensiontest.NewNopSettings(factory.Type()), config)
	require.NoError(t, err)
	require.NoError(t, extension.Start(t.Context(), componenttest.NewNopHost()))
	t.Cleanup(func() { require.NoError(t, extension.Shutdown(context.Background())) })
	return "http://" + address
}

func TestDevlogsGivesBackWhatItWasSent(t *testing.T) {
	store, path := openStore(t)
	s, err := source.Open(t.Context(), "devlogs="+startAPI(t, path), source.Options{})
	require.NoError(t, err)
	defer s.Close()
	rapid.Check(t, func(rt *rapid.T) {
		r := newRun(t, rt)
		r.store(t, rt, store)
		r.verify(t, rt, s)
		uid := ledger.UID{Run: r.ledger.Meta().Run}
		found, err := s.(verify.Finder).Lookup(t.Context(), uid.String(), base)
		require.NoError(rt, err)
		require.True(rt, found)
		uid.Copy = 1
		found, err = s.(verify.Finder).Lookup(t.Context(), uid.String(), base)
		require.NoError(rt, err)
		require.False(rt, found)
	})
	n, err := s.Count(t.Context(), verify.Window{})
	require.NoError(t, err)
	require.Positive(t, n)
}

func TestStoreGivesBackWhatItWasSent(t *testing.T) {
	store, path := openStore(t)
	s, err := source.Open(t.Context(), "duckdb="+path, source.Options{})
	require.NoError(t, err)
	defer s.Close()
	rapid.Check(t, func(rt *rapid.T) {
		r := newRun(t, rt)
		r.store(t, rt, store)
		r.verify(t, rt, s)
	})
}

// devlogs speaks Loki's API, so this is also a Loki. Names that meet in Loki's one list of labels are left to Loki.
func TestLokiGivesBackWhatItCanHold(t *testing.T) {
	var records []*canon.Record
	for _, body := range []any{"plain text", "", `{"json": "text"}`, map[string]any{"a": []any{int64(1), "x"}}, []any{}, int64(-7), 2.5, true, nil} {
		r := canon.New()
		require.NoError(t, r.Resource.Attributes().FromRaw(map[string]any{"service.name": "shop", "host.name": "h-1", "9lives": "cat"}))
		r.Scope.SetName("lib")
		r.Scope.SetVersion("1.2")
		require.NoError(t, r.Log.Body().FromRaw(body))
		require.NoError(t, r.Log.Attributes().FromRaw(map[string]any{
			"http.status": int64(500), "ratio": 0.25, "retried": false, "none": "", "bytes": []byte{0, 255},
			"nested": map[string]any{"deep": map[string]any{"er": "x"}}, "list": []any{"a", int64(1)},
		}))
		r.Log.SetSeverityNumber(plog.SeverityNumberError)
		r.Log.SetSeverityText("ERROR")
		r.Log.SetObservedTimestamp(base + 99)
		r.Log.SetEventName("checkout")
		r.Log.SetFlags(plog.DefaultLogRecordFlags.WithIsSampled(true))
		r.Log.SetTraceID(pcommon.TraceID{1, 2})
		r.Log.SetSpanID(pcommon.SpanID{3})
		records = append(records, r)
	}
	store, path := openStore(t)
	s, err := source.Open(t.Context(), "loki="+startAPI(t, path), source.Options{})
	require.NoError(t, err)
	defer s.Close()
	r := runOf(t, t, records)
	r.store(t, t, store)
	r.verify(t, t, s)
	n, err := s.Count(t.Context(), verify.Window{From: base - 1, To: base + 100})
	require.NoError(t, err)
	require.EqualValues(t, len(records), n, "the window's, however long ago it is")
	n, err = s.Count(t.Context(), verify.Window{From: base + 100, To: base + 100 + pcommon.Timestamp(90*24*time.Hour)})
	require.NoError(t, err)
	require.Zero(t, n)
	uid := ledger.UID{Run: r.ledger.Meta().Run}
	for copies, want := range []bool{true, false} {
		uid.Copy = uint32(copies)
		found, err := s.(verify.Finder).Lookup(t.Context(), uid.String(), base)
		require.NoError(t, err)
		require.Equal(t, want, found)
	}
	for record := range canon.Records(r.logs[0]) {
		record.Log.Attributes().PutInt("http.status", 200)
		record.Log.Body().SetStr("another text")
	}
	result, text := r.result(t, t, s)
	require.EqualValues(t, 1, result.Mutated, text)
	require.Contains(t, text, "label.http_status changed")
	require.Contains(t, text, "body changed")
}

func TestFilesOfTheSinkGiveBackWhatTheyKept(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		r := newRun(t, rt)
		path := filepath.Join(r.ledger.Dir(), sink.FileName)
		file, err := sink.CreateFile(path)
		require.NoError(rt, err)
		for _, logs := range r.logs {
			message, err := (&plog.ProtoMarshaler{}).MarshalLogs(logs)
			require.NoError(rt, err)
			require.NoError(rt, file.Keep(message))
		}
		require.NoError(rt, file.Close())
		s, err := source.Open(t.Context(), "sink", source.Options{RunDir: r.ledger.Dir()})
		require.NoError(rt, err)
		defer s.Close()
		r.verify(t, rt, s)
	})
}

func TestAnySQLTableIsComparedInTheColumnsItHas(t *testing.T) {
	db := testservices.Postgres(t)
	connection, err := pgx.Connect(t.Context(), db.DSN)
	require.NoError(t, err)
	defer connection.Close(context.Background())
	_, err = connection.Exec(t.Context(), `CREATE TABLE mine (id text, happened timestamptz, message text, level int, extra jsonb, trace bytea)`)
	require.NoError(t, err)
	s, err := source.Open(t.Context(), "sql="+db.DSN, source.Options{SQLQuery: `SELECT id AS uid, happened AS time, message AS body,
		level AS severity_number, extra AS attributes, trace AS trace_id FROM mine;`})
	require.NoError(t, err)
	defer s.Close()
	rapid.Check(t, func(rt *rapid.T) {
		r := newRun(t, rt)
		for i, logs := range r.logs {
			for record := range canon.Records(logs) {
				record.Log.Body().SetStr(fmt.Sprint("message ", i))
				record.Log.SetTimestamp(pcommon.Timestamp(base + 1234567 + i))
				uid := record.Text(ledger.UIDAttribute)
				record.Log.Attributes().Clear() // PostgreSQL's text can't hold all that is drawn
				record.Log.Attributes().PutInt("n", int64(i))
				record.Log.Attributes().PutDouble("ratio", 0.5)
				record.Log.Attributes().PutEmptyMap("map").PutEmptySlice("list").AppendEmpty().SetStr("x")
				record.Log.Attributes().PutStr(ledger.UIDAttribute, uid)
				trace := record.Log.TraceID()
				_, err := connection.Exec(t.Context(), `INSERT INTO mine VALUES ($1, $2, $3, $4, $5, $6)`, uid,
					record.Log.Timestamp().AsTime(), record.Log.Body().Str(), int32(record.Log.SeverityNumber()),
					fmt.Sprintf(`{"n": %d, "ratio": 0.5, "map": {"list": ["x"]}}`, i), trace[:])
				require.NoError(rt, err)
			}
		}
		r.verify(t, rt, s)
	})
}

func TestSQLColumnsMustHaveKnownNames(t *testing.T) {
	db := testservices.Postgres(t)
	_, err := source.Open(t.Context(), "sql="+db.DSN, source.Options{SQLQuery: "SELECT 1 AS uid, 2 AS colour"})
	require.ErrorContains(t, err, `the column "colour" is none of uid, time,`)
	_, err = source.Open(t.Context(), "sql="+db.DSN, source.Options{SQLQuery: "SELECT 'x' AS body"})
	require.ErrorContains(t, err, "no column says which record a row is")
	_, err = source.Open(t.Context(), "sql="+db.DSN, source.Options{})
	require.ErrorContains(t, err, "needs --sql-query")
}

func TestABrokenExportIsAnError(t *testing.T) {
	for name, answer := range map[string]func(http.ResponseWriter){
		"an error at its end": func(w http.ResponseWriter) {
			io.WriteString(w, `{"error":{"code":"timeout","message":"too slow"}}`+"\n")
		},
		"cut off":   func(w http.ResponseWriter) { io.WriteString(w, `{"id":"1-1","time_unix`); panic(http.ErrAbortHandler) },
		"a refusal": func(w http.ResponseWriter) { http.Error(w, "no such tenant", http.StatusBadRequest) },
		"not JSON":  func(w http.ResponseWriter) { io.WriteString(w, "hello\n") },
	} {
		t.Run(name, func(t *testing.T) {
			server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { answer(w) })}
			l, err := net.Listen("tcp", "127.0.0.1:0")
			require.NoError(t, err)
			served := make(chan error, 1)
			go func() { served <- server.Serve(l) }()
			s, err := source.OpenDevlogs("http://" + l.Addr().String())
			require.NoError(t, err)
			var last error
			for _, err := range s.Scan(t.Context(), verify.Window{}) {
				last = err
			}
			require.Error(t, last)
			require.NoError(t, s.Close())
			require.NoError(t, server.Close())
			<-served
		})
	}
}

func TestBadSourcesSayWhatIsKnown(t *testing.T) {
	for _, bad := range []string{"", "splunk=x", "devlogs", "devlogs=localhost:3100", "devlogs=http://x?limit=3", "file=/no/such/file",
		"devlogs=http://x?exclusive=perhaps", "loki=http://x?colour=red", "duckdb=/no/such/dir"} {
		_, err := source.Open(t.Context(), bad, source.Options{})
		require.Error(t, err, bad)
	}
	_, err := source.Open(t.Context(), "splunk=x", source.Options{})
	require.ErrorContains(t, err, "devlogs=URL")
}
