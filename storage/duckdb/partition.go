package duckdb

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"time"

	"github.com/instantdevlogs/devlogs/storage/duckdb/internal/engine"
)

// partition is one file of the directory and what its ledger sums up to.
type partition struct {
	number int    // growing; never used twice while a later one is there
	day    string // UTC day of arrival of its first batch
	name   string // in DuckDB
	path   string

	catalogue catalogue // of the lane that has claimed it

	// Guarded by partitions.mu.
	ids     idFilter // the ids in its ledger
	busy    bool     // a lane writes to it
	full    bool     // takes no more
	refs    int      // readers at work
	dropped bool     // no longer listed; deleted when refs is 0
	sums
}

// sums is what a partition's ledger adds up to.
type sums struct {
	firstSeq, lastSeq uint64 // the partition's batches have firstSeq < seq <= lastSeq
	rows, batches     uint64
	minTime, maxTime  uint64
	lastCommit        uint64
	tenants           []string // the tenants in it; nil when they are more than knownTenants
}

// knownTenants is up to how many tenants a partition remembers. With only one, its rows need no filter by tenant.
const knownTenants = 16

var partitionFile = regexp.MustCompile(`^logs-(\d{6})-(\d{8})\.duckdb$`)

func parsePartition(dir, file string) (*partition, bool) {
	m := partitionFile.FindStringSubmatch(file)
	if m == nil {
		return nil, false
	}
	number, err := strconv.Atoi(m[1])
	return &partition{number: number, day: m[2], name: "p" + m[1], path: filepath.Join(dir, file)}, err == nil
}

func newPartition(dir string, number int, at uint64) *partition {
	p, _ := parsePartition(dir, fmt.Sprintf("logs-%06d-%s.duckdb", number, dayOf(at)))
	return p
}

func dayOf(at uint64) string { return time.Unix(0, int64(at)).UTC().Format("20060102") }

// load reads the sums of the ledger.
func (p *partition) load(ctx context.Context, conn *engine.Conn) error {
	base, err := queryUint(ctx, conn, "SELECT max(base_seq) FROM "+p.name+".devlogs_schema")
	if err != nil {
		return err
	}
	result, err := conn.Query(ctx, `SELECT count(*)::UBIGINT, coalesce(sum(rows), 0)::UBIGINT, coalesce(max(batch_seq), $1),
		coalesce(min(min_time), 0), coalesce(max(max_time), 0), coalesce(max(committed), 0) FROM `+p.name+".log_batches", base)
	if err != nil {
		return err
	}
	defer result.Close()
	chunk, _ := result.Next()
	at := func(i int) uint64 { return engine.Column[uint64](chunk, i)[0] }
	p.sums = sums{
		firstSeq: base, batches: at(0), rows: at(1), lastSeq: at(2), minTime: at(3), maxTime: at(4), lastCommit: at(5),
	}
	if err := p.loadTenants(ctx, conn); err != nil {
		return err
	}
	return p.loadIDs(ctx, conn)
}

func (p *partition) loadTenants(ctx context.Context, conn *engine.Conn) error {
	result, err := conn.Query(ctx, fmt.Sprintf("SELECT DISTINCT tenant FROM %s.log_batches LIMIT %d", p.name, knownTenants+1))
	if err != nil {
		return err
	}
	defer result.Close()
	p.tenants = []string{}
	for chunk, ok := result.Next(); ok; chunk, ok = result.Next() {
		for row := range chunk.Len {
			p.addTenant(chunk.Texts(0).At(row))
		}
	}
	return nil
}

func (s *sums) addTenant(tenant string) {
	switch {
	case s.tenants == nil || slices.Contains(s.tenants, tenant):
	case len(s.tenants) == knownTenants:
		s.tenants = nil
	default:
		s.tenants = append(slices.Clip(s.tenants), tenant) // readers have copies of the slice
	}
}

// onlyTenant tells whether every row belongs to tenant.
func (s *sums) onlyTenant(tenant string) bool { return len(s.tenants) == 1 && s.tenants[0] == tenant }

// overlaps tells whether the partition may have records of the tenant from first to last (inclusive).
func (s *sums) overlaps(tenant string, first, last uint64) bool {
	return s.batches > 0 && s.minTime <= last && s.maxTime >= first && (s.tenants == nil || slices.Contains(s.tenants, tenant))
}

// bytes is the size on disk, with the write-ahead log.
func (p *partition) bytes() int64 {
	var n int64
	for _, path := range [...]string{p.path, p.path + ".wal"} {
		if info, err := os.Stat(path); err == nil {
			n += info.Size()
		}
	}
	return n
}

func (p *partition) remove() error {
	var errs []error
	for _, path := range [...]string{p.path, p.path + ".wal"} {
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}
