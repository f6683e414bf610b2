package e2e

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// A full disk: clients are told to come back, nothing that was acknowledged is lost, reading goes on, and when space returns
// the same process takes logs again.
func TestAFullDiskIsSaidToClientsAndHealsWithoutARestart(t *testing.T) {
	d := newCopy(t)
	disk := newSmallDisk(t, d, 64<<20)
	d.run()
	mustSend(t, d, sendJSON, "before", 100)

	disk.fill(t)
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

	disk.free(t)
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

// smallDisk is a file system of the copy's own. It is a tmpfs, mounted by root or else in a mount namespace that only the
// copy lives in.
type smallDisk struct {
	filler string
}

func newSmallDisk(t *testing.T, d *devlogs, size int) *smallDisk {
	t.Helper()
	require.NoError(t, os.MkdirAll(d.dataDir, 0o700))
	err := syscall.Mount("tmpfs", d.dataDir, "tmpfs", 0, fmt.Sprintf("size=%d,mode=0700", size))
	require.NoError(t, err, "this test mounts a small tmpfs: run it as root")
	t.Cleanup(func() {
		d.kill()
		require.NoError(t, syscall.Unmount(d.dataDir, syscall.MNT_DETACH))
	})
	return &smallDisk{filler: filepath.Join(d.dataDir, "filler")}
}

// fill takes all the space that is left.
func (s *smallDisk) fill(t *testing.T) {
	t.Helper()
	f, err := os.Create(s.filler)
	require.NoError(t, err)
	_, err = io.Copy(f, zeros{})
	require.ErrorIs(t, err, syscall.ENOSPC)
	require.NoError(t, f.Close())
}

func (s *smallDisk) free(t *testing.T) {
	t.Helper()
	require.NoError(t, os.Remove(s.filler))
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { return len(p), nil }
