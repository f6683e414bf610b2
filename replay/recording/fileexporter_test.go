package recording_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/open-telemetry/opentelemetry-collector-contrib/exporter/fileexporter"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/exporter/exportertest"
	"go.opentelemetry.io/collector/featuregate"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/instantdevlogs/devlogs/replay/recording"
)

func pcommonTime(ns int64) pcommon.Timestamp { return pcommon.Timestamp(ns) }

// export writes requests with the real file exporter and shuts it down.
func export(t *testing.T, requests []plog.Logs, change func(*fileexporter.Config)) {
	t.Helper()
	factory := fileexporter.NewFactory()
	cfg := factory.CreateDefaultConfig().(*fileexporter.Config)
	cfg.Rotation = nil
	change(cfg)
	require.NoError(t, cfg.Validate())
	exp, err := factory.CreateLogs(context.Background(), exportertest.NewNopSettings(factory.Type()), cfg)
	require.NoError(t, err)
	require.NoError(t, exp.Start(context.Background(), componenttest.NewNopHost()))
	for _, logs := range requests {
		require.NoError(t, exp.ConsumeLogs(context.Background(), logs))
	}
	require.NoError(t, exp.Shutdown(context.Background()))
}

func requests(n int) (all []plog.Logs) {
	for i := range n {
		all = append(all, sampleLogs(int64(1_700_000_000_000_000_000+i*1_000_000), 1+i%7))
	}
	return all
}

func TestEveryFormOfTheFileExporterIsReadBack(t *testing.T) {
	for _, format := range []string{"json", "proto"} {
		for _, compression := range []string{"", "zstd"} {
			for _, native := range []bool{false, true} {
				for _, rotate := range []bool{false, true} {
					name := fmt.Sprintf("%s/%s/native=%v/rotate=%v", format, compression, native, rotate)
					t.Run(name, func(t *testing.T) {
						gate(t, native)
						dir := t.TempDir()
						sent := requests(300)
						if rotate {
							sent = bulk(sent)
						}
						export(t, sent, func(c *fileexporter.Config) {
							c.Path = filepath.Join(dir, "data.json")
							c.FormatType, c.Compression = format, compression
							if rotate {
								c.Rotation = &fileexporter.Rotation{MaxMegabytes: 1, MaxBackups: 100}
							}
						})
						if rotate {
							files, err := os.ReadDir(dir)
							require.NoError(t, err)
							require.Greater(t, len(files), 1, "the exporter must have rotated")
						}
						same(t, sent, dir)
					})
				}
			}
		}
	}
}

func TestGroupedFilesAreMergedByTime(t *testing.T) {
	dir := t.TempDir()
	sent := requests(90)
	for i, logs := range sent {
		logs.ResourceLogs().At(0).Resource().Attributes().PutStr("fileexporter.path_segment", fmt.Sprintf("g%d", i%3))
	}
	export(t, sent, func(c *fileexporter.Config) {
		c.Path = filepath.Join(dir, "*", "logs.json")
		c.GroupBy = &fileexporter.GroupBy{Enabled: true, ResourceAttribute: "fileexporter.path_segment", MaxOpenFiles: 10}
	})
	same(t, sent, dir)
}

func TestGzippedFileIsReadBack(t *testing.T) {
	file := filepath.Join(t.TempDir(), "data.json")
	sent := requests(10)
	export(t, sent, func(c *fileexporter.Config) { c.Path = file })
	require.NoError(t, exec.Command("gzip", file).Run())
	same(t, sent, file+".gz")
}

// same requires that the recording holds exactly what was sent, in that order.
func same(t *testing.T, sent []plog.Logs, paths ...string) {
	t.Helper()
	got, notes, err := readAll(t, recording.Options{Strict: true}, paths...)
	require.NoError(t, err)
	require.Empty(t, notes.Warnings)
	require.Len(t, got, len(sent))
	for i, m := range got {
		require.Equal(t, protoOf(t, sent[i]), m.Body, "request %d", i)
		require.Equal(t, recording.ByObserved, m.ArrivalBy)
	}
}

func gate(t *testing.T, on bool) {
	t.Helper()
	const id = "exporter.file.nativeCompression"
	require.NoError(t, featuregate.GlobalRegistry().Set(id, on))
	t.Cleanup(func() { require.NoError(t, featuregate.GlobalRegistry().Set(id, false)) })
}

// bulk makes requests large, and hard to compress, so that rotation by size happens.
func bulk(sent []plog.Logs) []plog.Logs {
	state := uint64(1)
	for _, logs := range sent {
		noise := make([]byte, 8<<10)
		for i := range noise {
			state = state*6364136223846793005 + 1442695040888963407
			noise[i] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ+-"[state>>58]
		}
		logs.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().At(0).Attributes().PutStr("noise", string(noise))
	}
	return sent
}
