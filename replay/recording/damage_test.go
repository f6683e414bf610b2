package recording_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/klauspost/compress/zstd"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/instantdevlogs/devlogs/replay/recording"
)

func jsonOf(t testing.TB, logs plog.Logs) []byte {
	t.Helper()
	b, err := (&plog.JSONMarshaler{}).MarshalLogs(logs)
	require.NoError(t, err)
	return b
}

func write(t testing.TB, name string, content ...[]byte) string {
	t.Helper()
	require.NoError(t, os.WriteFile(name, bytes.Join(content, nil), 0o600))
	return name
}

var newline = []byte("\n")

func TestTornEnd(t *testing.T) {
	a, b := sampleLogs(1000, 2), sampleLogs(2000, 2)
	frame := func(body []byte) []byte {
		return append(binary.BigEndian.AppendUint32(nil, uint32(len(body))), body...)
	}
	pack := func(b []byte) []byte {
		e, err := zstd.NewWriter(nil)
		require.NoError(t, err)
		return e.EncodeAll(b, nil)
	}
	whole := map[string][2][]byte{
		"lines":  {append(jsonOf(t, a), '\n'), append(jsonOf(t, b), '\n')},
		"frames": {frame(protoOf(t, a)), frame(protoOf(t, b))},
		"zstd":   {pack(append(jsonOf(t, a), '\n')), pack(append(jsonOf(t, b), '\n'))},
	}
	for name, parts := range whole {
		t.Run(name, func(t *testing.T) {
			for _, cut := range []int{2, 7, len(parts[1]) / 2} {
				file := write(t, filepath.Join(t.TempDir(), "f"), parts[0], parts[1][:len(parts[1])-cut])
				got, notes, err := readAll(t, recording.Options{}, file)
				require.NoError(t, err)
				require.Len(t, got, 1)
				require.Equal(t, 1, notes.Torn)
				require.Contains(t, notes.Warnings[0], file)
				_, _, err = readAll(t, recording.Options{Strict: true}, file)
				require.ErrorContains(t, err, "cut off")
			}
		})
	}
}

func TestLastLineNeedsNoNewline(t *testing.T) {
	file := write(t, filepath.Join(t.TempDir(), "f"), newline, jsonOf(t, sampleLogs(1, 1)), []byte("\r\n\n"), jsonOf(t, sampleLogs(2, 1)))
	got, notes, err := readAll(t, recording.Options{Strict: true}, file)
	require.NoError(t, err)
	require.Len(t, got, 2)
	require.Zero(t, notes.Torn)
	require.EqualValues(t, 4, got[1].At.Line)
}

func TestLineCutByRotationIsJoined(t *testing.T) {
	a, b, c := jsonOf(t, sampleLogs(1000, 2)), jsonOf(t, sampleLogs(2000, 2)), jsonOf(t, sampleLogs(3000, 2))
	for _, at := range []int{1, 20, len(b) / 2, len(b) - 1, bytes.IndexByte(b[1:], '{') + 1} {
		dir := t.TempDir()
		write(t, filepath.Join(dir, "data-2026-01-02T15-04-05.000-size.json"), a, newline, b[:at])
		write(t, filepath.Join(dir, "data.json"), b[at:], newline, c, newline)
		got, notes, err := readAll(t, recording.Options{Strict: true}, dir)
		require.NoError(t, err)
		require.Zero(t, notes.Torn)
		require.Len(t, got, 3, "cut at %d", at)
		require.Equal(t, protoOf(t, sampleLogs(2000, 2)), got[1].Body)
	}
}

func TestTornLineBeforeAFreshFileIsNoted(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "data-2026-01-02T15-04-05.000-size.json"), jsonOf(t, sampleLogs(1, 1))[:50])
	write(t, filepath.Join(dir, "data.json"), jsonOf(t, sampleLogs(2, 1)), newline)
	got, notes, err := readAll(t, recording.Options{}, dir)
	require.NoError(t, err)
	require.Len(t, got, 1)
	require.Equal(t, 1, notes.Torn)
	require.Contains(t, notes.Warnings[0], "-size.json")
}

func TestPrettyPrintedDocumentsAreRead(t *testing.T) {
	pretty := []byte("{\n  \"resourceLogs\": [\n    {\"scopeLogs\": [{\"logRecords\": [\n{\"body\": {\"stringValue\": \"a } \\\" {\"}}]}]}\n]}\n")
	file := write(t, filepath.Join(t.TempDir(), "f"), []byte("\xef\xbb\xbf"), pretty, newline, pretty)
	got, _, err := readAll(t, recording.Options{Strict: true}, file)
	require.NoError(t, err)
	require.Len(t, got, 2)
	require.Equal(t, 1, got[1].Records)
}

func TestOtherSignalsAreLeftOutAndNoted(t *testing.T) {
	file := write(t, filepath.Join(t.TempDir(), "f"), []byte(`{"resourceSpans":[{}]}`), newline, jsonOf(t, sampleLogs(1, 1)), newline)
	got, notes, err := readAll(t, recording.Options{}, file)
	require.NoError(t, err)
	require.Len(t, got, 1)
	require.Equal(t, 1, notes.OtherSignals)
}

func TestBadInputSaysWhatAndWhere(t *testing.T) {
	line := jsonOf(t, sampleLogs(1, 1))
	for name, c := range map[string]struct {
		content []byte
		want    string
	}{
		"text":          {[]byte("2026-01-01 hello\n"), "begins with 32 30 32"},
		"array":         {[]byte(`[{"resourceLogs":[]}]`), "jq -c"},
		"other JSON":    {[]byte(`{"msg":"hi"}` + "\n"), `no "resourceLogs"`},
		"damaged line":  {bytes.Join([][]byte{line, []byte(`{"resourceLogs":[{]`), line}, newline), "line 2 (byte"},
		"damaged proto": {[]byte{0, 0, 0, 4, 0x0a, 0x7f, 1, 2}, "not OTLP: protobuf at byte 0"},
		"large frame":   {append([]byte{0, 0, 0, 2, 0x0a, 0, 0x70, 0, 0, 0}, line...), "byte 6: a length of"},
	} {
		t.Run(name, func(t *testing.T) {
			file := write(t, filepath.Join(t.TempDir(), "f"), c.content)
			_, _, err := readAll(t, recording.Options{}, file)
			require.ErrorContains(t, err, c.want)
			require.ErrorContains(t, err, file)
		})
	}
}

func TestTamperedSegmentIsFound(t *testing.T) {
	dir := t.TempDir()
	w, err := recording.Create(dir, recording.WriterOptions{})
	require.NoError(t, err)
	require.NoError(t, w.Write(&recording.Message{Body: protoOf(t, sampleLogs(1, 1)), Records: 1}))
	require.NoError(t, w.Close())
	m, err := recording.ReadManifest(dir)
	require.NoError(t, err)
	write(t, filepath.Join(dir, m.Segments[0].File), []byte("x"))
	require.ErrorContains(t, m.Check(dir), "not the file that was recorded")
}

// Reading itself finds what would replay something else than was recorded: fewer requests, or the right ones at wrong times.
func TestARecordingThatIsNotAsItsManifestSaysIsNotRead(t *testing.T) {
	record := func(first int64, records, messages int) string {
		dir := filepath.Join(t.TempDir(), "rec")
		w, err := recording.Create(dir, recording.WriterOptions{})
		require.NoError(t, err)
		for i := range messages {
			at := first + int64(1_000_000*(i+1))
			require.NoError(t, w.Write(&recording.Message{
				Body: protoOf(t, sampleLogs(at, records)), Records: records, Arrival: at, Entry: &recording.Entry{RecvNS: at},
			}))
		}
		require.NoError(t, w.Close())
		return dir
	}
	const segment, index, manifest = "logs-000001.jsonl.zst", "logs-000001.idx.jsonl", "manifest.json"
	change := func(dir, file string, f func([]byte) []byte) {
		name := filepath.Join(dir, file)
		b, err := os.ReadFile(name)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(name, f(b), 0o600))
	}
	for name, c := range map[string]struct {
		damage func(dir string)
		says   string
	}{
		"a segment of another recording": {func(dir string) {
			other := record(7, 2, 10) // with as many records in as many requests
			change(dir, segment, func([]byte) []byte {
				b, err := os.ReadFile(filepath.Join(other, segment))
				require.NoError(t, err)
				return b
			})
		}, "is not the file that was recorded"},
		"a segment with more after its end": {func(dir string) {
			change(dir, segment, func(b []byte) []byte { return append(b, 0x50, 0x2a, 0x4d, 0x18, 1, 0, 0, 0, 0) }) // a frame to skip
		}, "is not the file that was recorded"},
		"a sidecar of another recording": {func(dir string) {
			other := record(0, 2, 9)
			change(dir, index, func([]byte) []byte {
				b, err := os.ReadFile(filepath.Join(other, index))
				require.NoError(t, err)
				return b
			})
		}, "is not the sidecar that was recorded"},
		"a sidecar that is cut off": {func(dir string) {
			change(dir, index, func(b []byte) []byte { return b[:len(b)/2] })
		}, "is not the sidecar that was recorded"},
		"a manifest that was edited": {func(dir string) {
			change(dir, manifest, func(b []byte) []byte { return bytes.ReplaceAll(b, []byte(`"records": 20`), []byte(`"records": 19`)) })
		}, "holds 20 records in 10 requests; its manifest says 19 in 10"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := record(0, 2, 10)
			c.damage(dir)
			_, _, err := readAll(t, recording.Options{}, dir)
			require.ErrorContains(t, err, c.says)
			require.ErrorContains(t, err, "remove its manifest.json")
			require.NoError(t, os.Remove(filepath.Join(dir, manifest)))
			_, _, err = readAll(t, recording.Options{}, dir)
			require.NoError(t, err, "as a stock file it is what it is")
		})
	}
}

func TestRawBodiesKeepEveryByte(t *testing.T) {
	dir := t.TempDir()
	w, err := recording.Create(dir, recording.WriterOptions{})
	require.NoError(t, err)
	bodies := [][]byte{[]byte(`{"a":1}`), {}, {0, 1, 2, 0x28, 0xb5, 0x2f, 0xfd}, bytes.Repeat([]byte("x"), 1<<16)}
	for i, b := range bodies {
		require.NoError(t, w.Write(&recording.Message{Body: b, Raw: true, Arrival: int64(i + 1),
			Entry: &recording.Entry{RecvNS: int64(i + 1), Proto: recording.ProtoHTTPRaw, Path: "/x?y=1", ContentType: "text/plain"}}))
	}
	require.NoError(t, w.Gap(recording.Gap{FromNS: 9, ToNS: 10, Requests: 3, Reason: "test"}))
	require.NoError(t, w.Close())
	got, notes, err := readAll(t, recording.Options{Strict: true}, dir)
	require.NoError(t, err)
	require.Len(t, got, len(bodies))
	for i, m := range got {
		require.True(t, m.Raw)
		require.Equal(t, bodies[i], m.Body)
		require.Equal(t, "/x?y=1", m.Entry.Path)
	}
	require.EqualValues(t, 3, notes.Gaps[0].Requests)
}

// A recording far larger than what is read ahead must not pile up: the heap stays within a bound that does not depend on
// the recording.
func TestReadingTakesBoundedMemory(t *testing.T) {
	dir := t.TempDir()
	w, err := recording.Create(dir, recording.WriterOptions{Proto: true, SegmentBytes: 64 << 20})
	require.NoError(t, err)
	body := protoOf(t, sampleLogs(1_700_000_000_000_000_000, 5000))
	const messages = 250 // about 240 MB
	for i := range messages {
		require.NoError(t, w.Write(&recording.Message{Body: body, Records: 5000, Arrival: int64(i + 1)}))
	}
	require.NoError(t, w.Close())
	require.Greater(t, w.Manifest().Bytes, int64(200<<20))
	r, err := recording.Open([]string{dir}, recording.Options{})
	require.NoError(t, err)
	defer r.Close()
	var peak uint64
	var stats runtime.MemStats
	n := 0
	for {
		_, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(t, err)
		if n++; n%20 == 0 {
			runtime.GC()
			runtime.ReadMemStats(&stats)
			peak = max(peak, stats.HeapAlloc)
		}
	}
	require.Equal(t, messages, n)
	require.Less(t, peak, uint64(150<<20))
}

func FuzzReader(f *testing.F) {
	line := jsonOf(f, sampleLogs(1, 2))
	body := protoOf(f, sampleLogs(1, 2))
	f.Add(append(line, '\n'))
	f.Add(append(binary.BigEndian.AppendUint32(nil, uint32(len(body))), body...))
	e, err := zstd.NewWriter(nil)
	require.NoError(f, err)
	f.Add(e.EncodeAll(line, nil))
	f.Add([]byte("{\n\"resourceLogs\":[]\n}"))
	f.Fuzz(func(t *testing.T, content []byte) {
		file := write(t, filepath.Join(t.TempDir(), "f"), content)
		got, _, err := readAll(t, recording.Options{MaxMessage: 1 << 20}, file)
		if err != nil {
			return
		}
		// What is accepted survives writing and reading again.
		dir := filepath.Join(t.TempDir(), "rec")
		w, err := recording.Create(dir, recording.WriterOptions{Proto: true})
		require.NoError(t, err)
		for _, m := range got {
			require.NoError(t, w.Write(m))
		}
		require.NoError(t, w.Close())
		again, _, err := readAll(t, recording.Options{Strict: true}, dir)
		if len(got) == 0 {
			return
		}
		require.NoError(t, err)
		require.Len(t, again, len(got))
		for i := range got {
			require.Equal(t, fmt.Sprintf("%x", got[i].Body), fmt.Sprintf("%x", again[i].Body))
		}
	})
}
