package recording_test

import (
	"errors"
	"io"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.uber.org/goleak"

	"github.com/instantdevlogs/devlogs/replay/recording"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// sampleLogs is a request that has every kind of value, n records, the first observed at start.
func sampleLogs(start int64, n int) plog.Logs {
	logs := plog.NewLogs()
	rl := logs.ResourceLogs().AppendEmpty()
	rl.SetSchemaUrl("https://opentelemetry.io/schemas/1.40.0")
	rl.Resource().Attributes().PutStr("service.name", "checkout")
	sl := rl.ScopeLogs().AppendEmpty()
	sl.Scope().SetName("lib")
	for i := range n {
		r := sl.LogRecords().AppendEmpty()
		r.SetTimestamp(pcommonTime(start - 5))
		r.SetObservedTimestamp(pcommonTime(start + int64(i)))
		r.SetSeverityNumber(plog.SeverityNumberWarn)
		r.SetTraceID([16]byte{1, 2, 3, byte(i)})
		r.SetSpanID([8]byte{9, byte(i)})
		r.Body().SetStr("payment \"declined\" – Zürich\n")
		r.Attributes().PutInt("http.status_code", 1<<60+int64(i))
		r.Attributes().PutDouble("ratio", 0.1)
		r.Attributes().PutEmptyBytes("raw").FromRaw([]byte{0, 255, 10})
		r.Attributes().PutEmptySlice("list").AppendEmpty().SetBool(true)
		r.Attributes().PutEmptyMap("map").PutStr("k", "v")
	}
	return logs
}

func protoOf(t testing.TB, logs plog.Logs) []byte {
	t.Helper()
	b, err := (&plog.ProtoMarshaler{}).MarshalLogs(logs)
	require.NoError(t, err)
	return b
}

// readAll reads a whole recording; every body must decode.
func readAll(t testing.TB, opts recording.Options, paths ...string) ([]*recording.Message, recording.Notes, error) {
	t.Helper()
	r, err := recording.Open(paths, opts)
	if err != nil {
		return nil, recording.Notes{}, err
	}
	defer r.Close()
	var all []*recording.Message
	for {
		m, err := r.Next()
		if errors.Is(err, io.EOF) {
			return all, r.Notes(), nil
		}
		if err != nil {
			return all, r.Notes(), err
		}
		all = append(all, m)
	}
}

func TestWhatIsWrittenIsReadBack(t *testing.T) {
	for name, opts := range map[string]recording.WriterOptions{
		"default": {}, "proto": {Proto: true}, "plain": {Plain: true}, "plain proto": {Plain: true, Proto: true},
		"small segments": {SegmentBytes: 1500}, "no sidecar": {NoIndex: true},
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "rec")
			w, err := recording.Create(dir, opts)
			require.NoError(t, err)
			var want [][]byte
			for i := range 20 {
				body := protoOf(t, sampleLogs(int64(1_700_000_000_000_000_000+i*1000), i+1))
				want = append(want, body)
				require.NoError(t, w.Write(&recording.Message{Body: body, Records: i + 1, Arrival: int64(5000 + i),
					Entry: &recording.Entry{RecvNS: int64(5000 + i), Proto: recording.ProtoGRPC, Tenant: "t", Status: 8, Rejected: 2}}))
			}
			require.NoError(t, w.Close())
			m, err := recording.ReadManifest(dir)
			require.NoError(t, err)
			require.NoError(t, m.Check(dir))
			require.EqualValues(t, 20, m.Messages)
			require.EqualValues(t, 210, m.Records)
			got, notes, err := readAll(t, recording.Options{Strict: true}, dir)
			require.NoError(t, err)
			require.Empty(t, notes.Warnings)
			require.Len(t, got, len(want))
			for i, msg := range got {
				require.Equal(t, want[i], msg.Body)
				require.Equal(t, i+1, msg.Records)
				if opts.NoIndex {
					require.Equal(t, recording.ByObserved, msg.ArrivalBy)
					continue
				}
				require.Equal(t, recording.BySidecar, msg.ArrivalBy)
				require.EqualValues(t, 5000+i, msg.Arrival)
				require.Equal(t, 8, msg.Entry.Status)
				require.Equal(t, "t", msg.Entry.Tenant)
			}
		})
	}
}

func TestTextThatJSONCannotHoldIsKept(t *testing.T) {
	logs := sampleLogs(1, 1)
	logs.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().At(0).Body().SetStr("bad \xff\xfe text")
	body := protoOf(t, logs)
	dir := t.TempDir()
	w, err := recording.Create(dir, recording.WriterOptions{})
	require.NoError(t, err)
	require.NoError(t, w.Write(&recording.Message{Body: body, Records: 1}))
	require.NoError(t, w.Close())
	got, _, err := readAll(t, recording.Options{}, dir)
	require.NoError(t, err)
	require.Equal(t, body, got[0].Body)
	require.NotNil(t, got[0].Entry.Exact)
}
