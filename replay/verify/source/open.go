package source

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/instantdevlogs/devlogs/replay/sink"
	"github.com/instantdevlogs/devlogs/replay/verify"
	"github.com/instantdevlogs/devlogs/storage/duckdb"
)

// Source is a verify.Source that is closed after use.
type Source interface {
	verify.Source
	io.Closer
}

// Usage says which texts Open reads.
const Usage = `sink           what "play --sink" or "replay sink -o RUN/` + sink.FileName + `" kept in the run's directory
file=PATH      a file or folder in any form that the file exporter writes
devlogs=URL    the devlogs query API, as http://localhost:3100
loki=URL       any Loki; ?query={service_name=~".+"} narrows it
duckdb=DIR     the data directory of an embedded devlogs that is not running
sql=DSN        PostgreSQL, with --sql-query saying which rows

devlogs, loki and duckdb take ?tenant=NAME, and ?exclusive=true, which says that nothing but the run is there.`

// Options of some sources.
type Options struct {
	RunDir   string // for sink
	SQLQuery string // for sql
}

// Open makes the source that a text names.
func Open(ctx context.Context, text string, o Options) (Source, error) {
	kind, where, _ := strings.Cut(text, "=")
	switch {
	case text == "sink":
		return openSink(o.RunDir)
	case where == "":
	case kind == "file":
		return OpenFile(where)
	case kind == "devlogs":
		return OpenDevlogs(where)
	case kind == "loki":
		return OpenLoki(where)
	case kind == "duckdb":
		return openDuckDB(ctx, where)
	case kind == "sql" && o.SQLQuery == "":
		return nil, fmt.Errorf("the sql source needs --sql-query, which selects the run's rows with columns named %s", sqlColumnNames())
	case kind == "sql":
		return OpenQuery(ctx, where, o.SQLQuery)
	}
	return nil, fmt.Errorf("source %q is none of:\n%s", text, Usage)
}

// openSink reads what the built-in sink kept, which is what a run's own source is when none is named.
func openSink(run string) (Source, error) {
	name := filepath.Join(run, sink.FileName)
	if _, err := os.Stat(name); errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s is not there: the run was not played with --sink. Say where its records are, for example "+
			"--source file=output.jsonl or --source devlogs=http://localhost:3100", name)
	}
	return OpenFile(name)
}

func openDuckDB(ctx context.Context, where string) (Source, error) {
	path, query, _ := strings.Cut(where, "?")
	options, err := url.ParseQuery(query)
	if err != nil {
		return nil, fmt.Errorf("duckdb=%s: %w", where, err)
	}
	exclusive, err := exclusive(options)
	if err != nil {
		return nil, fmt.Errorf("duckdb=%s: %w", where, err)
	}
	if _, err := os.Stat(path); err != nil {
		return nil, fmt.Errorf("open the source: %w", err)
	}
	store, err := duckdb.Open(ctx, duckdb.DefaultConfig(path))
	if err != nil {
		return nil, err
	}
	s := NewStore(store, store, "the devlogs store in "+path, options.Get("tenant"))
	s.exclusive = exclusive
	return s, nil
}
