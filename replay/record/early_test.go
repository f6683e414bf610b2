package record

import (
	"bytes"
	"encoding/binary"
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/stretchr/testify/require"

	"github.com/instantdevlogs/devlogs/replay/recording"
)

// An upstream that has a whole message may answer before the proxy has read that nothing follows, as gRPC's servers often
// do, and then the end of the body never passes. What it took is recorded; a body that was cut off is a gap.
func TestABodyWhoseEndNeverPassedIsNoGapWhenItIsWhole(t *testing.T) {
	message := []byte{0x0a, 0} // one ResourceLogs, empty
	for name, c := range map[string]struct {
		kind     kind
		encoding string
		body     []byte
	}{
		"grpc":     {otlpGRPC, "", append(binary.BigEndian.AppendUint32([]byte{0}, uint32(len(message))), message...)},
		"gzip":     {otlpProto, "gzip", gzipped(t, message)},
		"json":     {otlpJSON, "", []byte(`{"resourceLogs":[{}]}`)},
		"raw gzip": {rawHTTP, "gzip", gzipped(t, []byte("{}\n"))},
	} {
		for cut, missing := range []int{0, 1} {
			t.Run([]string{name, name + ", cut"}[cut], func(t *testing.T) {
				config := Default()
				config.Dir = filepath.Join(t.TempDir(), "rec")
				budget := new(atomic.Int64)
				budget.Store(config.Budget)
				d, err := openDisk(&config, budget)
				require.NoError(t, err)
				x := d.begin(c.kind, 0)
				x.request.budget, x.request.limit, x.answer.budget = budget, config.MaxBody, budget
				x.entry.Enc = c.encoding
				x.request.add(c.body[:len(c.body)-missing])
				x.request.seal()
				d.finish(x)
				require.NoError(t, d.close())
				m, err := recording.ReadManifest(config.Dir)
				require.NoError(t, err)
				require.EqualValues(t, 1-missing, m.Messages)
				require.Len(t, m.Gaps, missing)
				for _, gap := range m.Gaps {
					require.Contains(t, gap.Reason, "before it was whole")
				}
			})
		}
	}
}

func gzipped(t *testing.T, plain []byte) []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, err := w.Write(plain)
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return b.Bytes()
}
