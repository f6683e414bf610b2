package prepare_test

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/instantdevlogs/devlogs/replay/gen"
	"github.com/instantdevlogs/devlogs/replay/ledger"
	"github.com/instantdevlogs/devlogs/replay/prepare"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func generate(t *testing.T, dir string, seed uint64) string {
	t.Helper()
	p := gen.Default()
	p.Seed, p.Records, p.Batch = seed, 2000, 100
	require.NoError(t, gen.WriteRecording(context.Background(), p, dir))
	return dir
}

// sent opens a recording and returns the meta and the requests of a run that sent each request twice.
func sent(t *testing.T, settings prepare.Settings) (ledger.Meta, []ledger.Request, [][]byte) {
	t.Helper()
	s, err := prepare.Open(settings)
	require.NoError(t, err)
	defer s.Close()
	settings = s.Settings()
	play, err := json.Marshal(settings)
	require.NoError(t, err)
	var requests []ledger.Request
	var bodies [][]byte
	for {
		r, err := s.Next()
		if err != nil {
			break
		}
		for number := range uint32(2) {
			c := prepare.Copy{Number: number, Shift: int64(number) * 1000}
			p := settings.Patch(r, c)
			bodies = append(bodies, r.Render(nil, &p))
			requests = append(requests, ledger.Request{ID: uint64(len(requests)), First: r.First, Records: r.Records,
				Source: r.Source, Copy: number, Shift: c.Shift})
		}
	}
	return ledger.Meta{Recording: settings.Paths[0], Play: play}, requests, bodies
}

func TestAgainMakesTheSameBytes(t *testing.T) {
	settings := prepare.Settings{
		Paths: []string{generate(t, filepath.Join(t.TempDir(), "rec"), 1)}, Replicas: 2, Identity: ledger.ByUID,
		Run: ledger.NewRun(time.Now()), EventTime: prepare.Shift, Where: "severity>=INFO", Sample: 0.7,
	}
	meta, requests, bodies := sent(t, settings)
	require.Greater(t, len(requests), 20)
	n := 0
	for s, err := range prepare.Again(meta, requests) {
		require.NoError(t, err)
		require.Equal(t, bodies[s.Request.ID], s.Body)
		n++
	}
	require.Len(t, requests, n)
}

func TestAgainNoticesAnotherRecording(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "rec")
	meta, requests, _ := sent(t, prepare.Settings{Paths: []string{generate(t, dir, 1)}, Identity: ledger.ByContent})
	require.NoError(t, os.RemoveAll(dir))
	last := func() (err error) {
		for _, err = range prepare.Again(meta, requests) {
		}
		return err
	}
	require.ErrorContains(t, last(), "no such file")
	generate(t, dir, 2)
	require.ErrorContains(t, last(), "were sent")
}
