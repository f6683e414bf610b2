package testservices

import (
	"bytes"
	"io"
	"net"
	"os"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	code := Run(m)
	if code == 0 {
		if err := goleak.Find(); err != nil {
			println(err.Error())
			code = 1
		}
	}
	os.Exit(code)
}

func TestDatabasesAreApart(t *testing.T) {
	a, b := Postgres(t), Postgres(t)
	execute(t, a.DSN, "CREATE TABLE only_in_a ()")
	require.Equal(t, "only_in_a", scalar(t, a.DSN, "SELECT coalesce(to_regclass('only_in_a')::text, 'none')"))
	require.Equal(t, "none", scalar(t, b.DSN, "SELECT coalesce(to_regclass('only_in_a')::text, 'none')"))
}

func TestTimescaleIsThereWhenItSaysSo(t *testing.T) {
	db := Postgres(t)
	if !db.Timescale {
		return // Postgres has said so, loudly
	}
	execute(t, db.DSN, "CREATE EXTENSION timescaledb")
	require.Equal(t, "timescaledb", scalar(t, db.DSN, "SELECT extname::text FROM pg_extension WHERE extname = 'timescaledb'"))
}

func TestPostgresKeepsWhatWasCommittedWhenKilled(t *testing.T) {
	for name, end := range map[string]func(*PostgresServer, testing.TB){
		"killed": (*PostgresServer).Kill, "immediate": (*PostgresServer).StopImmediate, "fast": (*PostgresServer).Stop,
	} {
		t.Run(name, func(t *testing.T) {
			server := PrivatePostgres(t)
			db := server.Database(t)
			execute(t, db.DSN, "CREATE TABLE kept AS SELECT 42 AS n")
			end(server, t)
			_, err := pgx.Connect(t.Context(), db.DSN)
			require.Error(t, err)
			server.Start(t)
			require.Equal(t, "42", scalar(t, db.DSN, "SELECT n::text FROM kept"))
		})
	}
}

func TestRedisWithAppendOnlyFileKeepsWhatItAcknowledgedWhenKilled(t *testing.T) {
	server := Redis(t, "--appendonly", "yes", "--appendfsync", "always")
	client := server.Client(t)
	require.NoError(t, client.Set(t.Context(), "key", "kept", 0).Err())
	server.Kill(t)
	require.Error(t, client.Get(t.Context(), "key").Err())
	server.Start(t)
	require.Equal(t, "kept", server.Client(t).Get(t.Context(), "key").Val())
}

func TestRedisServersAreApart(t *testing.T) {
	a, b := Redis(t).Client(t), Redis(t).Client(t)
	require.NoError(t, a.Set(t.Context(), "key", "a", 0).Err())
	require.Zero(t, b.Exists(t.Context(), "key").Val())
}

func TestProxyPassesBytesBothWays(t *testing.T) {
	_, conn := echo(t)
	_, err := conn.Write([]byte("hello"))
	require.NoError(t, err)
	require.Equal(t, "hello", read(t, conn, 5))
}

func TestProxyCutsAndTakesNewConnections(t *testing.T) {
	proxy, conn := echo(t)
	_, err := conn.Write([]byte("x"))
	require.NoError(t, err)
	read(t, conn, 1)
	proxy.Cut()
	_, err = conn.Read(make([]byte, 1))
	require.Error(t, err)

	again := dial(t, proxy)
	_, err = again.Write([]byte("y"))
	require.NoError(t, err)
	require.Equal(t, "y", read(t, again, 1))
}

func TestProxyRefusesUntilResumed(t *testing.T) {
	proxy, _ := echo(t)
	proxy.Refuse()
	_, err := dial(t, proxy).Read(make([]byte, 1))
	require.Error(t, err)
	proxy.Resume()
	conn := dial(t, proxy)
	_, err = conn.Write([]byte("y"))
	require.NoError(t, err)
	require.Equal(t, "y", read(t, conn, 1))
}

func TestProxyStallsAndResumes(t *testing.T) {
	proxy, conn := echo(t)
	proxy.Stall()
	_, err := conn.Write([]byte("late"))
	require.NoError(t, err)
	require.NoError(t, conn.SetReadDeadline(time.Now().Add(50*time.Millisecond)))
	_, err = conn.Read(make([]byte, 1))
	require.ErrorIs(t, err, os.ErrDeadlineExceeded)
	require.NoError(t, conn.SetReadDeadline(time.Time{}))
	proxy.Resume()
	require.Equal(t, "late", read(t, conn, 4))
}

func TestProxyCutsAfterExactlySoManyBytes(t *testing.T) {
	proxy, conn := echo(t)
	done := proxy.CutAfter(ToClient, 1000)
	_, err := conn.Write(bytes.Repeat([]byte("z"), 5000))
	require.NoError(t, err)
	got, _ := io.ReadAll(conn) // it ends with whatever a cut connection gives
	require.LessOrEqual(t, len(got), 1000)
	<-done
}

func TestProxyHoldsAtToken(t *testing.T) {
	proxy, conn := echo(t)
	held := proxy.HoldAt(ToServer, "XACK")
	_, err := conn.Write([]byte("before XACK"))
	require.NoError(t, err)
	<-held
	proxy.Resume()
	require.Equal(t, "before XACK", read(t, conn, 11))
}

// echo is a proxy to a server that sends back what it gets, and a connection to it.
func echo(t *testing.T) (*FaultProxy, net.Conn) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				_, _ = io.Copy(c, c)
			}()
		}
	}()
	proxy := NewFaultProxy(t, "tcp", l.Addr().String())
	return proxy, dial(t, proxy)
}

func dial(t *testing.T, proxy *FaultProxy) net.Conn {
	conn, err := net.Dial("tcp", proxy.Address())
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

func read(t *testing.T, conn net.Conn, n int) string {
	buf := make([]byte, n)
	_, err := io.ReadFull(conn, buf)
	require.NoError(t, err)
	return string(buf)
}

func execute(t *testing.T, dsn, sql string) {
	conn, err := pgx.Connect(t.Context(), dsn)
	require.NoError(t, err)
	defer conn.Close(t.Context())
	_, err = conn.Exec(t.Context(), sql)
	require.NoError(t, err)
}

func scalar(t *testing.T, dsn, sql string) (value string) {
	conn, err := pgx.Connect(t.Context(), dsn)
	require.NoError(t, err)
	defer conn.Close(t.Context())
	require.NoError(t, conn.QueryRow(t.Context(), sql).Scan(&value))
	return value
}
