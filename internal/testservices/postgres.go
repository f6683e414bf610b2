package testservices

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"
)

// Database is an empty database of one test. It is dropped when the test ends.
type Database struct {
	// DSN connects as a superuser, in the keyword form; what it says is complete, so PG* variables do not matter.
	DSN string
	// Timescale tells whether the server has TimescaleDB to offer: CREATE EXTENSION timescaledb will work.
	Timescale bool
}

// Postgres makes an empty database on the server that the binary's tests share. TestMain must call Run.
func Postgres(t testing.TB) *Database {
	t.Helper()
	shared.Lock()
	defer shared.Unlock()
	if !shared.running {
		t.Fatal("testservices: add func TestMain(m *testing.M) { os.Exit(testservices.Run(m)) } to this package")
	}
	if shared.postgres == nil && shared.err == nil {
		shared.postgres, shared.err = startPostgres()
	}
	if shared.err != nil {
		t.Fatalf("testservices: PostgreSQL: %v", shared.err)
	}
	shared.next++
	return shared.postgres.database(t, fmt.Sprintf("test_%d_%d", os.Getpid(), shared.next))
}

// PostgresServer is a PostgreSQL server that a test has for itself.
type PostgresServer struct {
	process   *server // nil: a server from outside
	dir       string
	admin     string // DSN of the database "postgres"
	timescale bool
}

// PrivatePostgres starts a server for one test, which may end it and start it again. settings are lines of
// postgresql.conf; without any the server does not wait for the disk (a killed process loses nothing by that).
func PrivatePostgres(t testing.TB, settings ...string) *PostgresServer {
	t.Helper()
	p, err := startPostgres(settings...)
	if err != nil {
		t.Fatalf("testservices: PostgreSQL: %v", err)
	}
	t.Cleanup(func() {
		if err := p.close(); err != nil {
			t.Errorf("testservices: stop PostgreSQL: %v", err)
		}
	})
	if p.process == nil {
		t.Fatalf("testservices: this test stops PostgreSQL, so the server in %s will not do: install PostgreSQL's programs", PostgresDSNVariable)
	}
	return p
}

// Database makes an empty database.
func (p *PostgresServer) Database(t testing.TB) *Database {
	t.Helper()
	return p.database(t, "test")
}

// Network and Address say where the server listens, for a FaultProxy.
func (p *PostgresServer) Network() string { return "unix" }
func (p *PostgresServer) Address() string { return filepath.Join(p.dir, ".s.PGSQL.5432") }

// Kill ends every process of the server at once, as a crash of its machine would.
func (p *PostgresServer) Kill(t testing.TB) { check(t, "kill PostgreSQL", p.process.kill()) }

// StopImmediate ends the server without a checkpoint ("immediate shutdown"); the next start recovers from the log.
func (p *PostgresServer) StopImmediate(t testing.TB) {
	check(t, "stop PostgreSQL", p.process.stop(syscall.SIGQUIT))
}

// Stop ends the server in order, cutting its connections ("fast shutdown").
func (p *PostgresServer) Stop(t testing.TB) {
	check(t, "stop PostgreSQL", p.process.stop(syscall.SIGINT))
}

// Start starts the server again after it was ended, and returns when it takes connections.
func (p *PostgresServer) Start(t testing.TB) {
	check(t, "start PostgreSQL", p.process.start(p.ready))
}

// PID is the process of the server, for measurements.
func (p *PostgresServer) PID() int { return p.process.cmd.Process.Pid }

func check(t testing.TB, attempt string, err error) {
	t.Helper()
	if err != nil {
		t.Fatalf("testservices: %s: %v", attempt, err)
	}
}

func startPostgres(settings ...string) (*PostgresServer, error) {
	path, err := program("postgres", "postgres.sh", PostgresDSNVariable)
	if err != nil {
		if dsn := os.Getenv(PostgresDSNVariable); dsn != "" {
			return outsidePostgres(dsn)
		}
		return nil, err
	}
	if path, err = filepath.EvalSymlinks(path); err != nil { // initdb and the extensions are beside the program itself
		return nil, err
	}
	id, err := serverIdentity()
	if err != nil {
		return nil, err
	}
	dir, err := id.directory("pg")
	if err != nil {
		return nil, err
	}
	p := &PostgresServer{
		dir:     dir,
		admin:   fmt.Sprintf("host=%s port=5432 user=postgres password='' dbname=postgres sslmode=disable", dir),
		process: &server{path: path, dir: dir, args: []string{"-D", filepath.Join(dir, "data")}, identity: id},
	}
	if err := p.begin(settings); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	return p, nil
}

// begin makes the cluster and starts its server.
func (p *PostgresServer) begin(settings []string) error {
	data := filepath.Join(p.dir, "data")
	initdb := filepath.Join(filepath.Dir(p.process.path), "initdb")
	cmd := p.process.identity.command(initdb, p.dir, "-D", data, "-U", "postgres", "--auth=trust",
		"--encoding=UTF8", "--locale=C.UTF-8", "--no-sync")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("run initdb: %w\n%s", err, out)
	}
	if err := p.configure(filepath.Join(data, "postgresql.conf"), settings); err != nil {
		return err
	}
	return p.process.start(p.ready)
}

func (p *PostgresServer) configure(file string, settings []string) error {
	lines := append([]string{
		"listen_addresses = ''",
		"unix_socket_directories = '" + p.dir + "'",
		"max_connections = 200",
		"shared_buffers = '256MB'",
		"max_wal_size = '2GB'",
		"max_worker_processes = 32",
		"log_min_messages = warning",
		"timezone = 'UTC'",
	}, timescaleSettings(p.process.path)...)
	if len(settings) == 0 {
		lines = append(lines, "fsync = off", "full_page_writes = off")
	}
	lines = append(lines, settings...)
	f, err := os.OpenFile(file, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteString("\n" + strings.Join(lines, "\n") + "\n")
	return errors.Join(err, f.Close())
}

// ready connects, and notes on the way what the server has.
func (p *PostgresServer) ready() error {
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	conn, err := pgx.Connect(ctx, p.admin)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	return conn.QueryRow(ctx, hasTimescale).Scan(&p.timescale)
}

// close ends the server and removes its files.
func (p *PostgresServer) close() error {
	if p.process == nil {
		return nil
	}
	return errors.Join(p.process.stop(syscall.SIGQUIT), os.RemoveAll(p.dir))
}
