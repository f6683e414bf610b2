package testservices

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
)

// hasTimescale asks whether CREATE EXTENSION timescaledb would work: it is there, and its library is loaded.
const hasTimescale = `SELECT EXISTS (SELECT FROM pg_available_extensions WHERE name = 'timescaledb')
	AND current_setting('shared_preload_libraries') LIKE '%timescaledb%'`

// timescaleSettings load TimescaleDB when the PostgreSQL of this program has it.
func timescaleSettings(postgres string) []string {
	out, err := exec.Command(filepath.Join(filepath.Dir(postgres), "pg_config"), "--pkglibdir").Output()
	dir := strings.TrimSpace(string(out))
	if err != nil { // pg_config is in a package of its own, and may be missing
		dir = filepath.Join(filepath.Dir(filepath.Dir(postgres)), "lib")
	}
	if _, err := os.Stat(filepath.Join(dir, "timescaledb.so")); err != nil {
		return nil
	}
	return []string{
		"shared_preload_libraries = 'timescaledb'",
		"timescaledb.telemetry_level = off",
		"timescaledb.max_background_workers = 16",
	}
}

func outsidePostgres(dsn string) (*PostgresServer, error) {
	p := &PostgresServer{admin: dsn}
	if err := p.ready(); err != nil {
		return nil, fmt.Errorf("connect to the server in %s: %w", PostgresDSNVariable, err)
	}
	return p, nil
}

var sayNoTimescale = sync.OnceFunc(func() {
	fmt.Fprintln(os.Stderr, "testservices: NO TimescaleDB: this PostgreSQL server does not have it, so nothing that needs it is tested in this run")
})

// database creates a database and has it dropped at the end of the test.
func (p *PostgresServer) database(t testing.TB, name string) *Database {
	t.Helper()
	if !p.timescale {
		sayNoTimescale()
	}
	check(t, "create a database", p.exec("CREATE DATABASE "+name))
	t.Cleanup(func() {
		if p.process != nil && !p.process.running() {
			return // it goes with the server's files
		}
		if err := p.exec("DROP DATABASE IF EXISTS " + name + " WITH (FORCE)"); err != nil {
			t.Errorf("testservices: drop database %s: %v", name, err)
		}
	})
	return &Database{DSN: withDatabase(t, p.admin, name), Timescale: p.timescale}
}

// withDatabase is a DSN, a URL or the keyword form, with another database.
func withDatabase(t testing.TB, dsn, name string) string {
	t.Helper()
	if !strings.Contains(dsn, "://") {
		return dsn + " dbname=" + name // the last of two counts
	}
	u, err := url.Parse(dsn)
	check(t, "read the DSN", err)
	u.Path = "/" + name
	return u.String()
}

func (p *PostgresServer) exec(sql string) error {
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	conn, err := pgx.Connect(ctx, p.admin)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	_, err = conn.Exec(ctx, sql)
	return err
}
