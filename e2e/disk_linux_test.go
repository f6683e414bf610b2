package e2e

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// A full disk: clients are told to come back, nothing that was acknowledged is lost, reading goes on, and when space returns
// the same process takes logs again.
func TestAFullDiskIsSaidToClientsAndHealsWithoutARestart(t *testing.T) {
	d := newCopy(t)
	room := newSmallDisk(t, d, 64<<20)
	d.run()
	mustSend(t, d, sendJSON, "before", 100)

	room.fill(t)
	sent, refused := sendUntilRefused(t, d)
	require.Equal(t, http.StatusServiceUnavailable, refused.status, refused.body)
	seconds, err := strconv.Atoi(refused.header.Get("Retry-After"))
	require.NoError(t, err, "Retry-After: %q", refused.header.Get("Retry-After"))
	require.Positive(t, seconds)
	require.Contains(t, refused.body, "space", "the message says what is wrong")
	a, err := post(t.Context(), "http://"+d.otlpHTTP+"/v1/logs", "application/json", []byte(`{"resourceLogs":[]}`))
	require.NoError(t, acknowledged(a, err), "an empty request needs no disk")
	require.Error(t, sendOTLPGRPC(t.Context(), d, "otlp-full", 20_000))
	sent["before"] = 100
	account(t, d, sent)

	room.free(t)
	sendUntilAcknowledged(t, d, sendJSON, "healed", 100)
	sendUntilAcknowledged(t, d, sendOTLPGRPC, "otlp-full", 20_000)
	sent["healed"], sent["otlp-full"] = 100, 20_000
	account(t, d, sent)
	d.kill()
	d.run()
	account(t, d, sent)
}

// sendUntilRefused sends until the disk has no room, and returns what was acknowledged and the answer that was not.
func sendUntilRefused(t *testing.T, d *devlogs) (map[string]int, answer) {
	t.Helper()
	const records = 20_000
	sent := map[string]int{}
	for n := range 1000 {
		name := fmt.Sprintf("fill-%d", n)
		a, err := post(t.Context(), "http://"+d.json, "application/x-ndjson", []byte(jsonLines(name, records)), "Idempotency-Key", name)
		require.NoError(t, err)
		if a.status != http.StatusOK {
			return sent, a
		}
		sent[name] = records
	}
	require.FailNow(t, "the disk never got full")
	return nil, answer{}
}

// disk is where a copy keeps its logs, with room that the test takes and gives back.
type disk interface {
	fill(t *testing.T)
	free(t *testing.T)
}

// newSmallDisk gives the copy a small tmpfs, which only root may mount. For others the limit on the size of the process's
// files stands in: writes then fail in the same calls, with another error.
func newSmallDisk(t *testing.T, d *devlogs, size int) disk {
	t.Helper()
	if os.Geteuid() != 0 {
		return fileSizeLimit{d}
	}
	require.NoError(t, os.MkdirAll(d.dataDir, 0o700))
	err := syscall.Mount("tmpfs", d.dataDir, "tmpfs", 0, fmt.Sprintf("size=%d,mode=0700", size))
	if errors.Is(err, syscall.EPERM) { // root of a container
		return fileSizeLimit{d}
	}
	require.NoError(t, err)
	t.Cleanup(func() {
		d.kill()
		require.NoError(t, syscall.Unmount(d.dataDir, syscall.MNT_DETACH))
	})
	return tmpfs{filler: filepath.Join(d.dataDir, "filler")}
}

type tmpfs struct{ filler string }

// fill takes all the space that is left.
func (f tmpfs) fill(t *testing.T) {
	t.Helper()
	filler, err := os.Create(f.filler)
	require.NoError(t, err)
	_, err = io.Copy(filler, zeros{})
	require.ErrorIs(t, err, syscall.ENOSPC)
	require.NoError(t, filler.Close())
}

func (f tmpfs) free(t *testing.T) {
	t.Helper()
	require.NoError(t, os.Remove(f.filler))
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { return len(p), nil }

type fileSizeLimit struct{ d *devlogs }

// fill stops all files from growing: no write may reach beyond their first page.
func (l fileSizeLimit) fill(t *testing.T) { l.set(t, 4096) }

func (l fileSizeLimit) free(t *testing.T) { l.set(t, unix.RLIM_INFINITY) }

func (l fileSizeLimit) set(t *testing.T, bytes uint64) {
	t.Helper()
	limit := unix.Rlimit{Cur: bytes, Max: unix.RLIM_INFINITY}
	require.NoError(t, unix.Prlimit(l.d.process.Process.Pid, unix.RLIMIT_FSIZE, &limit, nil))
}
