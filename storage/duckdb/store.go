package duckdb

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gofrs/flock"
	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/instantdevlogs/devlogs/storage"
)

// Store is a handle on a data directory. Handles of one process on the same directory share one open store, which closes
// with the last of them. It is a storage.Writer and a storage.Reader.
type Store struct {
	*core
	closeOnce sync.Once
	closeErr  error
}

var (
	_ storage.Writer = (*Store)(nil)
	_ storage.Reader = (*Store)(nil)
)

// core is what the handles on one directory share.
type core struct {
	config Config
	path   string // of the data directory, absolute
	lock   *flock.Flock
	refs   int // guarded by open.mu

	// life is held for reading by whoever uses instance, and for writing while it is replaced. A nil instance is closed.
	life     sync.RWMutex
	instance *instance

	// admin is held while a partition is claimed, begun, dropped or deleted.
	admin      sync.Mutex
	partitions partitions
	queue      queue
	streams    streamCache
	known      remembered
	pages      *lru.Cache[page, uint64] // how wide a window was where a search ended: the next page's first
	commits    broadcast
	impaired   atomic.Bool // the machine failed a lane: the instance is to be opened again

	stop    context.CancelFunc
	working sync.WaitGroup
}

// open holds the stores that this process has open, by path.
var open = struct {
	mu    sync.Mutex
	cores map[string]*core
}{cores: map[string]*core{}}

// ErrClosed is returned by a closed Store.
var ErrClosed = errors.New("the store is closed")

// Open opens the directory config.Path, makes it when it is not there, and brings its files to the newest schema. When this
// process has it open already, both share it: one of the two configs may then set nothing but the path.
func Open(ctx context.Context, config Config) (*Store, error) {
	if err := config.Validate(); err != nil {
		return nil, fmt.Errorf("duckdb store: %w", err)
	}
	path, err := filepath.Abs(config.Path)
	if err != nil {
		return nil, fmt.Errorf("duckdb store: find %s: %w", config.Path, err)
	}
	open.mu.Lock()
	defer open.mu.Unlock()
	c := open.cores[path]
	if c == nil {
		if c, err = openCore(ctx, path, config); err != nil {
			return nil, fmt.Errorf("open the store in %s: %w", path, err)
		}
		open.cores[path] = c
	} else if err := c.adopt(ctx, config); err != nil {
		return nil, fmt.Errorf("share the store in %s: %w", path, err)
	}
	c.refs++
	return &Store{core: c}, nil
}

// Close gives the handle back. The last handle waits for the batches that were accepted and closes the files.
func (s *Store) Close() error {
	s.closeOnce.Do(func() {
		open.mu.Lock()
		defer open.mu.Unlock()
		if s.refs--; s.refs == 0 {
			delete(open.cores, s.path)
			s.closeErr = s.close()
		}
	})
	return s.closeErr
}

func openCore(ctx context.Context, path string, config Config) (*core, error) {
	if err := os.MkdirAll(path, 0o700); err != nil {
		return nil, fmt.Errorf("make the data directory: %w", err)
	}
	lock := flock.New(filepath.Join(path, lockName))
	switch held, err := lock.TryLock(); {
	case err != nil:
		return nil, fmt.Errorf("lock %s: %w", lock.Path(), err)
	case !held:
		return nil, &InUseError{Dir: path, Process: lockHolder(lock.Path())}
	}
	if err := os.WriteFile(lock.Path(), []byte(strconv.Itoa(os.Getpid())), 0o600); err != nil {
		return nil, errors.Join(fmt.Errorf("write to %s who holds it: %w", lock.Path(), err), lock.Close())
	}
	pages, err := lru.New[page, uint64](rememberedPages)
	if err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	c := &core{config: config, path: path, lock: lock, pages: pages}
	c.queue.init(config)
	c.commits.init()
	if err := c.reopen(ctx); err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	background, stop := context.WithCancel(context.WithoutCancel(ctx))
	c.stop = stop
	for number := range lanes {
		c.working.Go(func() { lane{c, number}.run(background) })
	}
	c.working.Go(func() { c.retain(background) })
	return c, nil
}

const lockName = "lock"

// InUseError tells that another process has a data directory open.
type InUseError struct {
	Dir     string // absolute
	Process int    // its process id; 0 when it is not known
}

// Error says what to do without knowing where the directory was named.
func (e *InUseError) Error() string { return e.Holder() + ": stop it, or use another directory" }

// Holder says who has it.
func (e *InUseError) Holder() string {
	if e.Process == 0 {
		return e.Dir + " is in use by another process"
	}
	return fmt.Sprintf("%s is in use by another process (%d)", e.Dir, e.Process)
}

// lockHolder is the process that wrote itself into the lock file; 0 when none is named, as when it is just starting.
func lockHolder(path string) int {
	text, err := os.ReadFile(path)
	if err != nil {
		return 0
	}
	pid, err := strconv.Atoi(string(text))
	if err != nil {
		return 0
	}
	return pid
}

// adopt lets another config share the store: one of the two must set nothing but the path.
func (c *core) adopt(ctx context.Context, config Config) error {
	config.Path = c.config.Path
	plain := DefaultConfig(config.Path)
	switch {
	case config == plain || config == c.config:
		return nil
	case c.config != plain:
		return fmt.Errorf("it is open with other settings: %+v and %+v; set them in one place and only the path in the other",
			c.config, config)
	}
	c.life.Lock()
	defer c.life.Unlock()
	c.config = config
	c.queue.init(config)
	return c.reopenLocked(ctx)
}

// reopen replaces the instance: at the start, and after DuckDB has given up on the old one.
func (c *core) reopen(ctx context.Context) error {
	c.life.Lock()
	defer c.life.Unlock()
	return c.reopenLocked(ctx)
}

func (c *core) reopenLocked(ctx context.Context) error {
	if c.instance != nil {
		c.instance.close()
		c.instance = nil
	}
	instance, found, err := openInstance(ctx, c.path, c.config)
	if err != nil {
		return err
	}
	c.instance = instance
	c.partitions.set(found)
	c.known.forget()
	return nil
}

func (c *core) close() error {
	c.queue.close()
	c.stop()
	c.working.Wait()
	c.life.Lock()
	defer c.life.Unlock()
	if c.instance != nil {
		c.instance.close()
		c.instance = nil
	}
	c.known.forget()
	return c.lock.Close()
}

// broadcast wakes everybody who waits for a commit.
type broadcast struct {
	mu sync.Mutex
	ch chan struct{}
}

func (b *broadcast) init() { b.ch = make(chan struct{}) }

// next is closed at the next commit.
func (b *broadcast) next() <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.ch
}

func (b *broadcast) send() {
	b.mu.Lock()
	defer b.mu.Unlock()
	close(b.ch)
	b.ch = make(chan struct{})
}

// now is the clock of the ledger, in nanoseconds.
func now() uint64 { return uint64(time.Now().UnixNano()) }
