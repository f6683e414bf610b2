package duckdb_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/instantdevlogs/devlogs/storage"
	"github.com/instantdevlogs/devlogs/storage/duckdb"
	"github.com/instantdevlogs/devlogs/storage/duckdb/internal/engine"
	"github.com/instantdevlogs/devlogs/storage/storagetest"
)

func openIn(t testing.TB, config duckdb.Config) *duckdb.Store {
	store, err := duckdb.Open(t.Context(), config)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, store.Close()) })
	return store
}

// put writes n records of the corpus under an id.
func put(t testing.TB, store *duckdb.Store, id uuid.UUID, from, n int) {
	_, err := tryPut(t.Context(), store, id, from, n)
	require.NoError(t, err)
}

func tryPut(ctx context.Context, store *duckdb.Store, id uuid.UUID, from, n int) (storage.Outcome, error) {
	rows := &storage.Rows{}
	storage.Encode(rows, storagetest.Corpus(from, n), "", 1)
	return store.Write(ctx, storage.Batch{ID: id, Rows: rows})
}

func count(t testing.TB, store *duckdb.Store) int {
	n := 0
	for _, err := range store.Search(t.Context(), storage.Query{End: storage.EndOfTime}) {
		require.NoError(t, err)
		n++
	}
	return n
}

func TestWhatWasStoredIsThereAfterReopening(t *testing.T) {
	config := duckdb.DefaultConfig(t.TempDir())
	id := uuid.New()
	store, err := duckdb.Open(t.Context(), config)
	require.NoError(t, err)
	put(t, store, id, 0, 1000)
	require.NoError(t, store.Close())
	require.NoError(t, store.Close(), "closing twice is harmless")
	_, err = tryPut(t.Context(), store, uuid.New(), 0, 1)
	require.ErrorIs(t, err, duckdb.ErrClosed)

	store = openIn(t, config)
	require.Equal(t, 1000, count(t, store))
	outcome, err := tryPut(t.Context(), store, id, 0, 1000)
	require.NoError(t, err)
	require.Equal(t, storage.Duplicate, outcome, "the ledger outlives the process")
	stats, err := store.Stats(t.Context())
	require.NoError(t, err)
	require.EqualValues(t, 1, stats.LastBatch)
	put(t, store, uuid.New(), 0, 10)
	require.Equal(t, 1010, count(t, store))
}

func TestHandlesOnOneDirectoryShareTheStore(t *testing.T) {
	plain := duckdb.DefaultConfig(t.TempDir())
	set := plain
	set.Retention.MaxAge = time.Hour
	first := openIn(t, plain)
	put(t, first, uuid.New(), 0, 10)
	second, err := duckdb.Open(t.Context(), set) // may bring settings that the first left alone
	require.NoError(t, err)
	require.Equal(t, 10, count(t, second))

	other := set
	other.Retention.MaxAge = 2 * time.Hour
	_, err = duckdb.Open(t.Context(), other)
	require.ErrorContains(t, err, "other settings")

	require.NoError(t, second.Close())
	require.Equal(t, 10, count(t, first), "the first handle still holds it open")
}

func TestASecondProcessIsToldWhoHoldsTheLock(t *testing.T) {
	if dir := os.Getenv("DEVLOGS_TEST_LOCKED"); dir != "" {
		_, err := duckdb.Open(t.Context(), duckdb.DefaultConfig(dir))
		require.ErrorContains(t, err, fmt.Sprintf("%s is in use by another process (%d)", dir, os.Getppid()))
		return
	}
	dir := t.TempDir()
	openIn(t, duckdb.DefaultConfig(dir))
	again := exec.Command(os.Args[0], "-test.run", "^"+t.Name()+"$")
	again.Env = append(os.Environ(), "DEVLOGS_TEST_LOCKED="+dir)
	output, err := again.CombinedOutput()
	require.NoError(t, err, "%s", output)
}

func TestAnUnreadableDirectoryIsAClearError(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	_, err := duckdb.Open(t.Context(), duckdb.DefaultConfig(file))
	require.ErrorContains(t, err, "make the data directory")

	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "logs-000001-20260101.duckdb"), []byte(strings.Repeat("not DuckDB", 2000)), 0o600))
	_, err = duckdb.Open(t.Context(), duckdb.DefaultConfig(dir))
	require.ErrorContains(t, err, "open partition logs-000001-20260101.duckdb (to start without its logs, move it")
}

// The ledger's column payload came with schema 2. What is older has none, and its batches are taken for what a retry says. The
// records' signatures came with schema 3 and their words with schema 4; those of before have none, and are found none the less.
func TestAFileOfSchemaOneIsBroughtUpToDate(t *testing.T) {
	config := duckdb.DefaultConfig(t.TempDir())
	store, err := duckdb.Open(t.Context(), config)
	require.NoError(t, err)
	id := uuid.New()
	put(t, store, id, 0, 10)
	require.NoError(t, store.Close())

	db, err := engine.Open(nil)
	require.NoError(t, err)
	conn, err := db.Connect()
	require.NoError(t, err)
	for _, sql := range []string{
		"ATTACH '" + partitionFiles(t, config.Path)[0] + "' AS p", "ALTER TABLE p.log_batches DROP COLUMN payload",
		"ALTER TABLE p.logs DROP COLUMN signature", "ALTER TABLE p.logs DROP COLUMN words", "UPDATE p.devlogs_schema SET version = 1", "DETACH p",
	} {
		require.NoError(t, conn.Exec(t.Context(), sql))
	}
	conn.Close()
	db.Close()

	store, err = duckdb.Open(t.Context(), config)
	require.NoError(t, err)
	defer func() { require.NoError(t, store.Close()) }()
	rows := &storage.Rows{}
	storage.Encode(rows, storagetest.Corpus(0, 10), "", 1)
	write := func(id uuid.UUID, print string) (storage.Outcome, error) {
		return store.Write(t.Context(), storage.Batch{ID: id, Rows: rows, Payload: storage.OfClient(print)})
	}
	outcome, err := write(id, "unknown then")
	require.NoError(t, err)
	require.Equal(t, storage.Duplicate, outcome)
	id = uuid.New()
	outcome, err = write(id, "a")
	require.NoError(t, err)
	require.Equal(t, storage.Stored, outcome)
	_, err = write(id, "b")
	require.ErrorIs(t, err, storage.ErrOtherPayload)

	const status = `"http.status_code":200`
	is := storage.Text{Field: storage.Attribute("http.status_code"), Value: "200"}
	for not, where := range []storage.Expr{is, storage.Not{X: is}} {
		found := map[bool]int{} // of after
		for record, err := range store.Search(t.Context(), storage.Query{End: storage.EndOfTime, Where: where}) {
			require.NoError(t, err)
			require.Equal(t, not == 0, strings.Contains(record.Attributes, status), record.Attributes)
			found[record.ID.Batch > 1]++
		}
		require.Positive(t, found[true])
		require.Equal(t, found[true], found[false], "as many of before as of after")
	}
}

// Files were made of blocks of twice the size before, which they keep.
func TestAFileOfLargerBlocksGoesOn(t *testing.T) {
	config := duckdb.DefaultConfig(t.TempDir())
	file := filepath.Join(config.Path, "logs-000001-"+time.Now().UTC().Format("20060102")+".duckdb")
	db, err := engine.Open(nil)
	require.NoError(t, err)
	conn, err := db.Connect()
	require.NoError(t, err)
	require.NoError(t, conn.Exec(t.Context(), "ATTACH '"+file+"' AS p (BLOCK_SIZE 262144)"))
	require.NoError(t, conn.Exec(t.Context(), "DETACH p"))
	conn.Close()
	db.Close()

	for n := 10; n <= 20; n += 10 { // and once more after a restart
		store, err := duckdb.Open(t.Context(), config)
		require.NoError(t, err)
		put(t, store, uuid.New(), 0, 10)
		require.Equal(t, n, count(t, store))
		require.NoError(t, store.Close())
	}
	require.Equal(t, []string{file}, partitionFiles(t, config.Path))
}

func TestAFileOfANewerDevlogsIsLeftAlone(t *testing.T) {
	config := duckdb.DefaultConfig(t.TempDir())
	store, err := duckdb.Open(t.Context(), config)
	require.NoError(t, err)
	put(t, store, uuid.New(), 0, 10)
	require.NoError(t, store.Close())

	file := partitionFiles(t, config.Path)[0]
	db, err := engine.Open(nil)
	require.NoError(t, err)
	conn, err := db.Connect()
	require.NoError(t, err)
	require.NoError(t, conn.Exec(t.Context(), "ATTACH '"+file+"' AS p"))
	require.NoError(t, conn.Exec(t.Context(), "UPDATE p.devlogs_schema SET version = 1000"))
	require.NoError(t, conn.Exec(t.Context(), "DETACH p"))
	conn.Close()
	db.Close()
	before, err := os.ReadFile(file)
	require.NoError(t, err)

	_, err = duckdb.Open(t.Context(), config)
	require.ErrorContains(t, err, filepath.Base(file))
	require.ErrorContains(t, err, "written by a newer devlogs (schema 1000; this one knows up to 4)")
	after, err := os.ReadFile(file)
	require.NoError(t, err)
	require.True(t, bytes.Equal(before, after), "not a byte was changed")
}

func partitionFiles(t *testing.T, dir string) []string {
	files, err := filepath.Glob(filepath.Join(dir, "logs-*.duckdb"))
	require.NoError(t, err)
	return files
}

// TestANewDayBeginsANewFile makes yesterday's file of today's by its name, which is where its day stands.
func TestANewDayBeginsANewFile(t *testing.T) {
	config := duckdb.DefaultConfig(t.TempDir())
	id := uuid.New()
	store, err := duckdb.Open(t.Context(), config)
	require.NoError(t, err)
	put(t, store, id, 0, 1000)
	require.NoError(t, store.Close())
	yesterday := time.Now().UTC().AddDate(0, 0, -1).Format("20060102")
	require.NoError(t, os.Rename(partitionFiles(t, config.Path)[0], filepath.Join(config.Path, "logs-000001-"+yesterday+".duckdb")))

	store = openIn(t, config)
	outcome, err := tryPut(t.Context(), store, id, 0, 1000)
	require.NoError(t, err)
	require.Equal(t, storage.Duplicate, outcome, "a retry after midnight is found in yesterday's ledger")
	put(t, store, uuid.New(), 1000, 500)
	require.Len(t, partitionFiles(t, config.Path), 2)

	var last storage.Position
	seen := 0
	for r, err := range store.Search(t.Context(), storage.Query{End: storage.EndOfTime, Direction: storage.OldestFirst}) {
		require.NoError(t, err)
		require.Positive(t, r.Position().Compare(last), "both files are one order")
		last = r.Position()
		seen++
	}
	require.Equal(t, 1500, seen)
	stats, err := store.Stats(t.Context())
	require.NoError(t, err)
	require.EqualValues(t, 2, stats.LastBatch, "the sequence goes on")
}

// TestAPartitionThatCouldNotBeBegunHindersNothing: the new day's file can't be made at first; then a crash leaves half of one.
func TestAPartitionThatCouldNotBeBegunHindersNothing(t *testing.T) {
	config := duckdb.DefaultConfig(t.TempDir())
	store, err := duckdb.Open(t.Context(), config)
	require.NoError(t, err)
	put(t, store, uuid.New(), 0, 1000)
	require.NoError(t, store.Close())
	day := func(days int) string { return time.Now().UTC().AddDate(0, 0, days).Format("20060102") }
	require.NoError(t, os.Rename(partitionFiles(t, config.Path)[0], filepath.Join(config.Path, "logs-000001-"+day(-1)+".duckdb")))
	inTheWay := filepath.Join(config.Path, "logs-000002-"+day(0)+".duckdb.unfinished")
	require.NoError(t, os.MkdirAll(filepath.Join(inTheWay, "full"), 0o700))

	store, err = duckdb.Open(t.Context(), config)
	require.NoError(t, err)
	id := uuid.New()
	_, err = tryPut(t.Context(), store, id, 1000, 500)
	unavailable, ok := errors.AsType[*storage.UnavailableError](err)
	require.True(t, ok, "%v", err)
	require.ErrorContains(t, unavailable, "begin partition logs-000002")
	require.Equal(t, 1000, count(t, store))
	require.NoError(t, os.RemoveAll(inTheWay))
	put(t, store, id, 1000, 500)
	require.Equal(t, 1500, count(t, store))
	require.NoError(t, store.Close())

	require.NoError(t, os.WriteFile(filepath.Join(config.Path, "logs-000003-"+day(1)+".duckdb.unfinished"), nil, 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(config.Path, "logs-000003-"+day(1)+".duckdb.unfinished.wal"), nil, 0o600))
	require.Equal(t, 1500, count(t, openIn(t, config)))
	leftovers, err := filepath.Glob(filepath.Join(config.Path, "*.unfinished*"))
	require.NoError(t, err)
	require.Empty(t, leftovers)
}

func TestConfigSaysWhatIsWrong(t *testing.T) {
	for _, c := range []struct {
		change func(*duckdb.Config)
		want   string
	}{
		{func(c *duckdb.Config) { c.Path = "" }, "path is empty"},
		{func(c *duckdb.Config) { c.MemoryLimit = 1 }, "memory_limit_mib is 1"},
		{func(c *duckdb.Config) { c.MaxConcurrentQueries = 0 }, "max_concurrent_queries is 0"},
		{func(c *duckdb.Config) { c.MaxPending = 0 }, "max_pending_mib is 0"},
		{func(c *duckdb.Config) { c.Retention.MaxAge = -1 }, "retention.max_age"},
		{func(c *duckdb.Config) { c.Retention.MaxBytes = 1 }, "retention.max_bytes is 1"},
	} {
		config := duckdb.DefaultConfig("somewhere")
		require.NoError(t, config.Validate())
		c.change(&config)
		require.ErrorContains(t, config.Validate(), c.want)
	}
}

func TestDiskCapDropsTheOldestAndFreesSpaceAtOnce(t *testing.T) {
	config := duckdb.DefaultConfig(t.TempDir())
	config.Retention.MaxBytes = 64 << 20
	store := openIn(t, config)
	const batch = 20_000
	for i := range 50 { // about 90 MB
		put(t, store, uuid.New(), i*batch, batch)
	}
	require.NoError(t, duckdb.DropExpired(store, t.Context()))
	stats, err := store.Stats(t.Context())
	require.NoError(t, err)
	require.LessOrEqual(t, stats.Bytes, uint64(config.Retention.MaxBytes))
	require.Less(t, stats.Records, uint64(50*batch))
	require.NotZero(t, stats.Records)
	require.LessOrEqual(t, sizeOf(t, config.Path), config.Retention.MaxBytes+(1<<20))

	require.EqualValues(t, stats.Records, count(t, store), "the newest are there, whole")
	_, err = store.Get(t.Context(), "", storage.ID{Batch: 1})
	require.ErrorIs(t, err, storage.ErrNotFound)
	_, err = store.Get(t.Context(), "", storage.ID{Batch: stats.LastBatch})
	require.NoError(t, err)
}

func TestMaxAgeDropsWhatArrivedBefore(t *testing.T) {
	config := duckdb.DefaultConfig(t.TempDir())
	config.Retention.MaxAge = time.Nanosecond
	store := openIn(t, config)
	put(t, store, uuid.New(), 0, 100)
	require.NoError(t, duckdb.DropExpired(store, t.Context()))
	require.Zero(t, count(t, store))
	put(t, store, uuid.New(), 0, 1)
	stats, err := store.Stats(t.Context())
	require.NoError(t, err)
	require.EqualValues(t, 2, stats.LastBatch, "sequences are never given out twice")
}

func TestAReaderKeepsItsPartitionUntilItIsDone(t *testing.T) {
	config := duckdb.DefaultConfig(t.TempDir())
	config.Retention.MaxAge = time.Nanosecond
	store := openIn(t, config)
	put(t, store, uuid.New(), 0, 30_000)
	n := 0
	for _, err := range store.Search(t.Context(), storage.Query{End: storage.EndOfTime}) {
		require.NoError(t, err)
		if n++; n == 1 {
			require.NoError(t, duckdb.DropExpired(store, t.Context()))
		}
	}
	require.NotZero(t, n)
}

// TestQueriesStopWithTheirContext runs a query twice at a time and ends the context of one. DuckDB looks for that between row
// groups, of which there are ten.
func TestQueriesStopWithTheirContext(t *testing.T) {
	store := openTemp(t)
	logs := plog.NewLogs()
	records := logs.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords()
	text := strings.Repeat("a", 200)
	for i := range 200_000 {
		r := records.AppendEmpty()
		r.SetTimestamp(pcommon.Timestamp(i + 1))
		r.Body().SetStr(text)
	}
	rows := &storage.Rows{}
	storage.Encode(rows, logs, "", 1)
	_, err := store.Write(t.Context(), storage.Batch{ID: uuid.New(), Rows: rows})
	require.NoError(t, err)

	search := func(ctx context.Context) (begun <-chan struct{}, ended <-chan error) {
		var slow storage.Or
		for range 20 { // with states that multiply
			slow = append(slow, storage.Text{Op: storage.TextMatch, Value: strings.Repeat("(a|b)*", 5) + "c" + uuid.NewString()})
		}
		first, last := make(chan struct{}), make(chan error, 1)
		var once sync.Once
		ctx = storage.WithTrace(ctx, func(string, []string) { once.Do(func() { close(first) }) })
		go func() {
			var err error
			for _, err = range store.Search(ctx, storage.Query{End: storage.EndOfTime, Where: slow}) {
			}
			last <- err
		}()
		return first, last
	}
	first, endFirst := context.WithCancel(t.Context())
	begun, ended := search(first)
	<-begun
	second, endSecond := context.WithCancel(t.Context())
	begun, control := search(second)
	<-begun
	endFirst()
	require.ErrorIs(t, <-ended, context.Canceled)
	select {
	case <-control:
		t.Fatal("the query went on after its context had ended")
	default:
	}
	endSecond()
	require.ErrorIs(t, <-control, context.Canceled)
}

func TestTooMuchWaitingIsRefused(t *testing.T) {
	config := duckdb.DefaultConfig(t.TempDir())
	config.MaxPending = 1
	store := openIn(t, config)
	var refused atomic.Pointer[storage.UnavailableError]
	done := make(chan struct{}, 8)
	for w := range cap(done) {
		go func() {
			defer func() { done <- struct{}{} }()
			for i := range 20 {
				_, err := tryPut(context.Background(), store, uuid.New(), (w*20+i)*5000, 5000)
				if unavailable, ok := errors.AsType[*storage.UnavailableError](err); ok {
					refused.Store(unavailable)
				}
			}
		}()
	}
	for range cap(done) {
		<-done
	}
	require.NotNil(t, refused.Load())
	require.True(t, refused.Load().Overloaded)
	require.GreaterOrEqual(t, refused.Load().RetryAfter, time.Second)
	require.Contains(t, refused.Load().Reason, "max_pending_mib = 1")
}

func sizeOf(t testing.TB, dir string) (total int64) {
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	for _, entry := range entries {
		info, err := entry.Info()
		require.NoError(t, err)
		total += info.Size()
	}
	return total
}

func corpusOf(n int) plog.Logs { return storagetest.Corpus(0, n) }
