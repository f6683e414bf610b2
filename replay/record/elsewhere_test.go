package record_test

import (
	"bufio"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/instantdevlogs/devlogs/replay/record"
	"github.com/instantdevlogs/devlogs/replay/sink"
)

// elsewhereDir, in the environment of the test binary, makes it a tap that records there, for measurements.
const elsewhereDir = "DEVLOGS_TEST_TAP"

func TestMain(m *testing.M) {
	dir := os.Getenv(elsewhereDir)
	if dir == "" {
		goleak.VerifyTestMain(m)
		return
	}
	if err := tapHere(dir); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// elsewhere is a tap in a process of its own, with a sink as its upstream, and a reader of single bytes.
type elsewhere struct {
	tap, floor string
	command    *exec.Cmd
	stdin      io.Closer
}

func startElsewhere(t testing.TB, dir string) *elsewhere {
	t.Helper()
	e := &elsewhere{command: exec.Command(os.Args[0])}
	e.command.Env, e.command.Stderr = append(os.Environ(), elsewhereDir+"="+dir), os.Stderr
	var err error
	e.stdin, err = e.command.StdinPipe()
	require.NoError(t, err)
	out, err := e.command.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, e.command.Start())
	_, err = fmt.Fscan(bufio.NewReader(out), &e.tap, &e.floor)
	require.NoError(t, err)
	return e
}

func (e *elsewhere) stop(t testing.TB) {
	t.Helper()
	require.NoError(t, e.stdin.Close())
	require.NoError(t, e.command.Wait())
}

// tapHere runs until standard input ends.
func tapHere(dir string) error {
	s, err := sink.Start(sink.Config{GRPC: "127.0.0.1:0", HTTP: "127.0.0.1:0"})
	if err != nil {
		return err
	}
	defer s.Close()
	c := record.Default()
	c.Listen, c.Dir = []string{"127.0.0.1:0"}, dir
	if c.Upstream, err = record.ParseUpstream("grpc://" + s.GRPCAddr() + ",http://" + s.HTTPAddr()); err != nil {
		return err
	}
	tp, err := record.Start(c)
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	defer l.Close()
	go stampBytes(record.NewStampingListener(l))
	fmt.Println(tp.Addrs()[0], l.Addr())
	_, _ = io.Copy(io.Discard, os.Stdin)
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	return tp.Close(ctx)
}

// stampBytes answers each byte with when it came: to the kernel, 0 when that is not known, and to this process.
func stampBytes(l net.Listener) {
	for {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		for b := make([]byte, 1); ; {
			if _, err := io.ReadFull(conn, b); err != nil {
				break
			}
			woken := time.Now().UnixNano()
			if binary.Write(conn, binary.LittleEndian, []int64{record.LastRead(conn), woken}) != nil {
				break
			}
		}
		conn.Close()
	}
}
