package edit_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/instantdevlogs/devlogs/replay/edit"
	"github.com/instantdevlogs/devlogs/replay/gen"
	"github.com/instantdevlogs/devlogs/replay/inspect"
	"github.com/instantdevlogs/devlogs/replay/recording"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func generate(t *testing.T, seed uint64, records int64) string {
	t.Helper()
	p := gen.Default()
	p.Seed, p.Records = seed, records
	dir := filepath.Join(t.TempDir(), "rec")
	require.NoError(t, gen.WriteRecording(context.Background(), p, dir))
	return dir
}

func read(t *testing.T, paths ...string) (all []*recording.Message) {
	t.Helper()
	r, err := recording.Open(paths, recording.Options{Strict: true})
	require.NoError(t, err)
	defer r.Close()
	for m, err := range r.Messages() {
		require.NoError(t, err)
		all = append(all, m)
	}
	return all
}

func count(messages []*recording.Message) (n int64) {
	for _, m := range messages {
		n += int64(m.Records)
	}
	return n
}

func copyTo(t *testing.T, o edit.Options, paths ...string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "out")
	_, _, err := edit.Copy(context.Background(), paths, dir, o)
	require.NoError(t, err)
	return dir
}

func TestConversionLosesNothing(t *testing.T) {
	src := generate(t, 1, 3000)
	want := read(t, src)
	for name, w := range map[string]recording.WriterOptions{
		"proto": {Proto: true}, "plain": {Plain: true}, "plain proto": {Plain: true, Proto: true},
	} {
		dir := copyTo(t, edit.Options{Writer: w}, src)
		back := copyTo(t, edit.Options{}, dir)
		for _, got := range [][]*recording.Message{read(t, dir), read(t, back)} {
			require.Len(t, got, len(want), name)
			for i := range got {
				require.Equal(t, want[i].Body, got[i].Body, name)
				require.Equal(t, want[i].Arrival, got[i].Arrival, name)
			}
		}
	}
}

func TestSliceByTimeFilterAndCount(t *testing.T) {
	src := generate(t, 1, 20_000) // 40 s
	all := read(t, src)
	from, err := edit.ParseBound("+10s")
	require.NoError(t, err)
	to, err := edit.ParseBound(time.Unix(0, all[0].Arrival).Add(20 * time.Second).UTC().Format(time.RFC3339Nano))
	require.NoError(t, err)
	part := read(t, copyTo(t, edit.Options{From: from, To: to}, src))
	require.NotEmpty(t, part)
	for _, m := range part {
		require.GreaterOrEqual(t, m.Arrival, all[0].Arrival+int64(10*time.Second))
		require.Less(t, m.Arrival, all[0].Arrival+int64(20*time.Second))
	}
	require.EqualValues(t, 1234, count(read(t, copyTo(t, edit.Options{Records: 1234}, src))))
	errors := count(read(t, copyTo(t, edit.Options{Where: "severity>=ERROR"}, src)))
	rest := count(read(t, copyTo(t, edit.Options{Where: "severity<ERROR"}, src)))
	require.Positive(t, errors)
	require.EqualValues(t, 20_000, errors+rest)
	_, err = edit.ParseBound("yesterday")
	require.ErrorContains(t, err, "+90s")
}

func TestMergeIsInOrderOfArrivalAndComplete(t *testing.T) {
	a, b := generate(t, 1, 2000), generate(t, 2, 3000)
	merged := read(t, copyTo(t, edit.Options{}, a, b))
	require.EqualValues(t, 5000, count(merged))
	for i := 1; i < len(merged); i++ {
		require.LessOrEqual(t, merged[i-1].Arrival, merged[i].Arrival)
	}
}

func TestAnOldRecordingIsNotOverwritten(t *testing.T) {
	src := generate(t, 1, 10)
	_, _, err := edit.Copy(context.Background(), []string{src}, src, edit.Options{})
	require.ErrorContains(t, err, "already holds a recording")
}

func TestInspectCountsWhatIsThere(t *testing.T) {
	src := generate(t, 1, 5000)
	s, err := inspect.Read([]string{src}, recording.Options{})
	require.NoError(t, err)
	require.EqualValues(t, 5000, s.Records)
	require.EqualValues(t, 5000, s.Manifest.Records)
	require.Len(t, read(t, src), int(s.Messages))
	require.Equal(t, s.Messages, s.ArrivalBy["sidecar"])
	services, severities, rate := int64(0), int64(0), int64(0)
	for _, c := range s.Services {
		services += c.Count
	}
	for _, c := range s.Severities {
		severities += c.Count
	}
	for _, n := range s.Rate {
		rate += n
	}
	require.EqualValues(t, 5000, services)
	require.EqualValues(t, 5000, severities)
	require.EqualValues(t, 5000, rate)
	require.LessOrEqual(t, len(s.Rate), 64)
	require.Greater(t, s.Templates, 50)
	require.Positive(t, s.OutOfOrder)
	require.Less(t, s.OutOfOrder, s.Records/2, "a record of the future is one")
	require.Greater(t, s.ZstdRatio, 2.0)
	out, err := os.Create(filepath.Join(t.TempDir(), "out"))
	require.NoError(t, err)
	defer out.Close()
	s.Print(out, 2)
	text, err := os.ReadFile(out.Name())
	require.NoError(t, err)
	for _, want := range []string{"5,000 in", "will take", "gateway", "devlogs replay gen seed 1"} {
		require.Contains(t, string(text), want)
	}
}
