package duckdb

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"

	"golang.org/x/sync/semaphore"

	"github.com/instantdevlogs/devlogs/storage/duckdb/internal/engine"
)

// instance is a running DuckDB with the directory's partitions attached.
type instance struct {
	db      *engine.DB
	admin   *engine.Conn // attaches and detaches, under core.admin
	writers [lanes]*engine.Conn
	readers chan *engine.Conn
	slots   *semaphore.Weighted // one for each of readers; who has all runs alone
}

const tempName = "temp"

// rowGroup is how many rows DuckDB compresses and prunes together. A transaction of at least so many goes to the file
// compressed, once, and not through the write-ahead log: that halves what it costs (docs/adr/0001-duckdb.md).
const rowGroup = 20480

// blockSize is in bytes. A column of a row group begins in a block of its own, so that half of DuckDB's usual block takes
// about a tenth less disk. A file keeps the size that it was made with.
const blockSize = 128 << 10

// openInstance starts DuckDB and attaches every partition of the directory, making the first when there is none.
func openInstance(ctx context.Context, path string, config Config) (*instance, []*partition, error) {
	threads := config.Threads
	if threads == 0 {
		threads = runtime.GOMAXPROCS(0)
	}
	db, err := engine.Open(map[string]string{
		"threads":                      strconv.Itoa(threads),
		"memory_limit":                 strconv.Itoa(config.MemoryLimit) + "MiB",
		"temp_directory":               filepath.Join(path, tempName),
		"autoinstall_known_extensions": "false",
		"autoload_known_extensions":    "false",
	})
	if err != nil {
		return nil, nil, fmt.Errorf("start DuckDB: %w", err)
	}
	i := &instance{
		db:      db,
		readers: make(chan *engine.Conn, config.MaxConcurrentQueries),
		slots:   semaphore.NewWeighted(int64(config.MaxConcurrentQueries)),
	}
	found, err := i.prepare(ctx, path, config)
	if err != nil {
		i.close()
		return nil, nil, err
	}
	return i, found, nil
}

func (i *instance) prepare(ctx context.Context, path string, config Config) ([]*partition, error) {
	var err error
	if i.admin, err = i.db.Connect(); err != nil {
		return nil, err
	}
	for lane := range i.writers {
		if i.writers[lane], err = i.db.Connect(); err != nil {
			return nil, err
		}
	}
	for range config.MaxConcurrentQueries {
		conn, err := i.db.Connect()
		if err != nil {
			return nil, err
		}
		i.readers <- conn
	}
	err = i.exec(ctx,
		"SET allowed_directories = ["+literal(path+string(filepath.Separator))+"]",
		"SET enable_external_access = false",
		"SET lock_configuration = true",
	)
	if err != nil {
		return nil, fmt.Errorf("shut DuckDB off from the rest of the machine: %w", err)
	}
	return i.attachAll(ctx, path)
}

func (i *instance) attachAll(ctx context.Context, path string) ([]*partition, error) {
	entries, err := os.ReadDir(path)
	if err != nil {
		return nil, fmt.Errorf("list the data directory: %w", err)
	}
	var found []*partition
	for _, entry := range entries { // sorted by name, which is by number
		if strings.Contains(entry.Name(), unfinished) {
			_ = os.Remove(filepath.Join(path, entry.Name())) // what stays hinders the next partition only, which says so
			continue
		}
		p, ok := parsePartition(path, entry.Name())
		if !ok {
			continue
		}
		if err := i.attach(ctx, p); err != nil {
			return nil, err
		}
		found = append(found, p)
	}
	if len(found) == 0 {
		p := newPartition(path, 1, now())
		if err := i.create(ctx, p, 0); err != nil {
			return nil, err
		}
		found = append(found, p)
	}
	return found, nil
}

// unfinished is in the names of a new partition's files until it is whole.
const unfinished = ".unfinished"

// create makes and attaches a partition whose ledger starts after the sequence base. Its file gets its name when it is whole:
// what a full disk or a crash leaves of it before that is no partition.
func (i *instance) create(ctx context.Context, p *partition, base uint64) error {
	part := p.path + unfinished
	err := i.exec(ctx, attachment(part, p.name, "BLOCK_SIZE "+strconv.Itoa(blockSize)))
	if err == nil {
		err = migrate(ctx, i.admin, p.name, base)
	}
	if err == nil {
		err = i.exec(ctx, "CHECKPOINT "+p.name, "DETACH "+p.name)
	}
	if err == nil {
		err = os.Rename(part, p.path)
	}
	if err == nil {
		err = syncDir(filepath.Dir(p.path))
	}
	if err != nil {
		// The error that led here says more than these would; the next start deletes what stays.
		_ = i.exec(ctx, "DETACH DATABASE IF EXISTS "+p.name)
		_ = errors.Join(os.Remove(part), os.Remove(part+".wal"))
		return fmt.Errorf("begin partition %s: %w", filepath.Base(p.path), err)
	}
	return i.attach(ctx, p)
}

// attach opens a partition's file and reads its ledger's sums.
func (i *instance) attach(ctx context.Context, p *partition) error {
	err := i.exec(ctx, attachment(p.path, p.name))
	if err == nil {
		err = migrate(ctx, i.admin, p.name, 0)
	}
	if err == nil {
		err = p.load(ctx, i.admin)
	}
	if err != nil {
		return fmt.Errorf("open partition %s (to start without its logs, move it and its .wal to another directory): %w",
			filepath.Base(p.path), err)
	}
	return nil
}

func attachment(path, name string, more ...string) string {
	options := append([]string{"STORAGE_VERSION 'latest'", "ROW_GROUP_SIZE " + strconv.Itoa(rowGroup)}, more...)
	return "ATTACH " + literal(path) + " AS " + name + " (" + strings.Join(options, ", ") + ")"
}

func (i *instance) exec(ctx context.Context, statements ...string) error {
	for _, statement := range statements {
		if err := i.admin.Exec(ctx, statement); err != nil {
			return err
		}
	}
	return nil
}

// syncDir makes names in a directory durable.
func syncDir(path string) error {
	dir, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

// drop detaches a partition that nobody uses any more and deletes its file.
func (i *instance) drop(ctx context.Context, p *partition) error {
	if err := i.admin.Exec(ctx, "DETACH "+p.name); err != nil {
		return fmt.Errorf("detach partition %s: %w", p.name, err)
	}
	return p.remove()
}

func (i *instance) close() {
	for _, writer := range i.writers {
		if writer != nil {
			writer.Close()
		}
	}
	if i.admin != nil {
		i.admin.Close()
	}
	for len(i.readers) > 0 {
		(<-i.readers).Close()
	}
	i.db.Close()
}

// literal quotes text for the few statements that take no parameters.
func literal(text string) string { return "'" + strings.ReplaceAll(text, "'", "''") + "'" }
