package main

import (
	"context"
	"path/filepath"
	"slices"
	"testing"

	"github.com/gofrs/flock"
	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/instantdevlogs/devlogs/internal/testservices"
	"github.com/instantdevlogs/devlogs/storage"
	"github.com/instantdevlogs/devlogs/storage/duckdb"
	"github.com/instantdevlogs/devlogs/storage/storagetest"
)

// fillEmbedded makes an embedded store with batches of every kind of record, of some tenants, and gives its directory.
func fillEmbedded(t *testing.T, batches int) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "from")
	store, err := duckdb.Open(t.Context(), duckdb.DefaultConfig(dir))
	require.NoError(t, err)
	logs := storagetest.Logs()
	for i := range batches {
		batch := logs.Example(i)
		if batch.LogRecordCount() == 0 {
			batch = demoLogs(3)
		}
		var rows storage.Rows
		storage.Encode(&rows, batch, []string{"", "acme", "other"}[i%3], pcommon.Timestamp(1_800_000_000_000_000_000+i))
		_, err := store.Write(t.Context(), storage.Batch{ID: uuid.New(), Rows: &rows})
		require.NoError(t, err)
	}
	require.NoError(t, store.Close())
	return dir
}

// contents gives every record of a store in a form that compares, in the order of tenants and ids, with the order of times
// that their arrival gave them.
func contents(t *testing.T, name string) []string {
	t.Helper()
	store, err := openCarried(t.Context(), name, true)
	require.NoError(t, err)
	defer store.Close()
	tenants, err := store.Tenants(t.Context())
	require.NoError(t, err)
	var all []string
	for _, tenant := range tenants {
		logs := plog.NewLogs()
		for record, err := range store.Batches(t.Context(), allOf(tenant), storage.ID{}, 1<<62) {
			require.NoError(t, err)
			require.NoError(t, storage.Decode(&record, logs))
			all = append(all, tenant+" at "+record.Time.String())
		}
		all = append(all, storagetest.Canonical(logs)...)
	}
	slices.Sort(all) // batches that are written together are numbered as they come
	return all
}

func TestCopyBringsEveryRecordToPostgresAndBack(t *testing.T) {
	const batches = 150
	from := fillEmbedded(t, batches)
	want := contents(t, from)
	t.Setenv(postgresVariable, testservices.Postgres(t).DSN)

	require.Contains(t, mustRun(t, "copy", "--from", from, "--to", "postgres"), "in 150 batches; 0 records in 0 batches were there already")
	require.Equal(t, want, contents(t, "postgres"))
	require.Contains(t, mustRun(t, "copy", "--from", from, "--to", "postgres"), "Copied 0 records in 0 batches;")
	require.Equal(t, want, contents(t, "postgres"), "running it twice stores once")

	back := filepath.Join(t.TempDir(), "back")
	require.Contains(t, mustRun(t, "copy", "--from", "postgres", "--to", back), "in 150 batches;")
	require.Equal(t, want, contents(t, back))
	require.Contains(t, mustRun(t, "copy", "--from", back, "--to", from), "Copied 0 records", "they are the batches that it had")
}

func TestCopyThatWasStoppedGoesOn(t *testing.T) {
	const batches = 700 // more than one page of the ledger
	from, to := fillEmbedded(t, batches), filepath.Join(t.TempDir(), "to")
	source, err := openCarried(t.Context(), from, true)
	require.NoError(t, err)
	target, err := openCarried(t.Context(), to, false)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	stopping := &stopsAfter{carried: target, left: 300, stop: cancel}
	require.Error(t, (&carrying{from: source, to: stopping}).run(ctx, t.Output()))
	require.NoError(t, source.Close())
	require.NoError(t, target.Close())

	require.Regexp(t, `Copied \d+ records in \d+ batches; [1-9]\d* records in [1-9]\d+ batches were there already`,
		mustRun(t, "copy", "--from", from, "--to", to))
	require.Equal(t, contents(t, from), contents(t, to))
}

// stopsAfter is a target in whose midst somebody presses Ctrl-C.
type stopsAfter struct {
	carried
	left int
	stop func()
}

func (s *stopsAfter) Stored(ctx context.Context, ids []uuid.UUID) (map[uuid.UUID]uint64, error) {
	stored, err := s.carried.Stored(ctx, ids)
	if s.left -= len(ids); s.left < 0 {
		s.stop()
	}
	return stored, err
}

func TestCopySaysWhyItCant(t *testing.T) {
	t.Setenv(postgresVariable, "")
	from, used := fillEmbedded(t, 1), fillEmbedded(t, 1)
	lock := flock.New(filepath.Join(used, "lock")) // as a running devlogs has it
	held, err := lock.TryLock()
	require.NoError(t, err)
	require.True(t, held)
	defer lock.Close()
	for want, args := range map[string][]string{
		"no embedded store in":         {"--from", t.TempDir(), "--to", filepath.Join(t.TempDir(), "x")},
		"are the same store":           {"--from", from, "--to", from + "/."},
		"set DEVLOGS_POSTGRES_DSN":     {"--from", from, "--to", "postgres"},
		`required flag(s) "to"`:        {"--from", from},
		"can't be reached":             {"--from", "host=127.0.0.1 port=1 password=secret", "--to", t.TempDir()},
		"no logs of devlogs":           {"--from", testservices.Postgres(t).DSN, "--to", t.TempDir()},
		"is in use by another process": {"--from", used, "--to", t.TempDir()},
	} {
		_, _, err := devlogs(t, append([]string{"copy"}, args...)...)
		require.ErrorContains(t, err, want)
		require.NotContains(t, err.Error(), "secret")
	}
}
