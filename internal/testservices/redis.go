package testservices

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/redis/go-redis/v9"
)

// RedisServer is a Redis server that a test has for itself.
type RedisServer struct {
	URL     string  // redis://127.0.0.1:port/0
	process *server // nil: a server from outside
	dir     string
	address string
}

// Redis starts a server for one test. Without arguments it keeps everything in memory; arguments are those of redis-server:
// Redis(t, "--appendonly", "yes", "--appendfsync", "always") survives Kill.
func Redis(t testing.TB, args ...string) *RedisServer {
	t.Helper()
	r, err := startRedis(args)
	if err != nil {
		t.Fatalf("testservices: Redis: %v", err)
	}
	t.Cleanup(func() {
		if err := r.close(); err != nil {
			t.Errorf("testservices: stop Redis: %v", err)
		}
	})
	return r
}

// Network and Address say where the server listens, for a FaultProxy.
func (r *RedisServer) Network() string { return "tcp" }
func (r *RedisServer) Address() string { return r.address }

// Client connects to the server; the test closes it by itself.
func (r *RedisServer) Client(t testing.TB) *redis.Client {
	t.Helper()
	options, err := redis.ParseURL(r.URL)
	check(t, "read the Redis URL", err)
	client := redis.NewClient(options)
	t.Cleanup(func() { _ = client.Close() })
	return client
}

// Kill ends the server with SIGKILL.
func (r *RedisServer) Kill(t testing.TB) {
	t.Helper()
	check(t, "kill Redis", r.own(t).kill())
}

// Stop ends the server in order.
func (r *RedisServer) Stop(t testing.TB) {
	t.Helper()
	check(t, "stop Redis", r.own(t).stop(syscall.SIGTERM))
}

// Start starts the server again, on the same port and files, and returns when it answers.
func (r *RedisServer) Start(t testing.TB) {
	t.Helper()
	check(t, "start Redis", r.own(t).start(r.ready))
}

// PID is the process of the server, for measurements.
func (r *RedisServer) PID(t testing.TB) int { return r.own(t).cmd.Process.Pid }

func (r *RedisServer) own(t testing.TB) *server {
	t.Helper()
	if r.process == nil {
		t.Fatalf("testservices: this test stops Redis, so the server in %s will not do: install redis-server", RedisURLVariable)
	}
	return r.process
}

func startRedis(args []string) (*RedisServer, error) {
	path, err := program("redis-server", "redis.sh", RedisURLVariable)
	if err != nil {
		if url := os.Getenv(RedisURLVariable); url != "" {
			return outsideRedis(url)
		}
		return nil, err
	}
	id, err := serverIdentity()
	if err != nil {
		return nil, err
	}
	dir, err := id.directory("redis")
	if err != nil {
		return nil, err
	}
	port, err := freePort()
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	address := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	r := &RedisServer{
		URL: "redis://" + address + "/0", dir: dir, address: address,
		process: &server{path: path, dir: dir, identity: id, args: append([]string{
			"--bind", "127.0.0.1", "--port", strconv.Itoa(port), "--dir", dir, "--save", "", "--daemonize", "no",
		}, args...)},
	}
	if err := r.process.start(r.ready); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	return r, nil
}

// outsideRedis empties the database that the URL names, which is what makes it the test's own.
func outsideRedis(url string) (*RedisServer, error) {
	options, err := redis.ParseURL(url)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", RedisURLVariable, err)
	}
	client := redis.NewClient(options)
	defer client.Close()
	if err := client.FlushDB(context.Background()).Err(); err != nil {
		return nil, fmt.Errorf("empty the database in %s: %w", RedisURLVariable, err)
	}
	return &RedisServer{URL: url, address: options.Addr}, nil
}

// ready asks the server a question that it does not answer while it loads its files, and whether it is ours: somebody else
// may have taken the port.
func (r *RedisServer) ready() error {
	conn, err := net.Dial("tcp", r.address) // go-redis prints failures to connect; while a server starts they are expected
	if err != nil {
		return err
	}
	_ = conn.Close() // it has told what it should
	client := redis.NewClient(&redis.Options{Addr: r.address, MaxRetries: -1})
	defer client.Close()
	ctx := context.Background()
	if err := client.DBSize(ctx).Err(); err != nil {
		return err
	}
	info, err := client.Info(ctx, "server").Result()
	if err != nil {
		return err
	}
	if !strings.Contains(info, fmt.Sprintf("process_id:%d\r\n", r.process.cmd.Process.Pid)) {
		return fmt.Errorf("another server answers on %s", r.address)
	}
	return nil
}

func (r *RedisServer) close() error {
	if r.process == nil {
		return nil
	}
	return errors.Join(r.process.kill(), os.RemoveAll(r.dir))
}

// freePort asks the kernel for a port nobody uses. Somebody may take it before the server does: the server then ends at
// once, and with a fixed port that others know there is no way around that.
func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}
