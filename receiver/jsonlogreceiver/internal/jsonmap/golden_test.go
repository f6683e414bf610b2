package jsonmap

import (
	"bytes"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/open-telemetry/opentelemetry-collector-contrib/pkg/golden"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/instantdevlogs/devlogs/receiver/jsonlogreceiver/internal/jsontape"
)

var update = flag.Bool("update", false, "write the golden files anew")

var testLimits = jsontape.Limits{Depth: 64, Fields: 1000, Bytes: 1 << 20}

const testArrival = 1_800_000_000_000_000_000

// mapAll maps every value of a body and fails on the first that is rejected.
func mapAll(t testing.TB, rules *Rules, body []byte) plog.Logs {
	t.Helper()
	var r jsontape.Reader
	var m Mapper
	var batch Batch
	r.Reset(bytes.NewReader(body), int64(len(body)), testLimits)
	m.Use(rules)
	for {
		item, err := r.Next()
		if errors.Is(err, io.EOF) {
			return batch.Take()
		}
		require.NoError(t, err)
		require.Nil(t, item.Fault)
		require.NoError(t, m.Prepare(&r.Tape, 0))
		batch.Add(&m, testArrival)
	}
}

// The lines of pino, winston, bunyan, slog, zap, zerolog and logrus were written by those loggers; the others are from
// their documentation.
func TestLinesOfCommonLoggersBecomeTheRecordsTheyMean(t *testing.T) {
	files, err := filepath.Glob("testdata/loggers/*.jsonl")
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(files), 16)
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".jsonl")
		t.Run(name, func(t *testing.T) {
			body, err := os.ReadFile(file)
			require.NoError(t, err)
			actual := mapAll(t, Compile(Fields{}), body)
			want := strings.TrimSuffix(file, ".jsonl") + ".golden.yaml"
			if *update {
				require.NoError(t, golden.WriteLogsToFile(want, actual))
			}
			got := filepath.Join(t.TempDir(), "got.yaml")
			require.NoError(t, golden.WriteLogsToFile(got, actual))
			require.Equal(t, read(t, want), read(t, got), "run with -update if the new records are right")
		})
	}
}

func read(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	return string(text)
}
