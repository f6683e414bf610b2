package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// fileForms are the forms in which the stock file exporter writes: its settings, the arguments of the process, and whether
// there have to be several files.
var fileForms = map[string]struct {
	exporter string
	args     []string
	several  bool
}{
	"json":                    {exporter: `path: "%dir%/data.json"`},
	"proto":                   {exporter: `path: "%dir%/data.json", format: proto`},
	"json, zstd by message":   {exporter: `path: "%dir%/data.json", compression: zstd`},
	"proto, zstd by message":  {exporter: `path: "%dir%/data.json", format: proto, compression: zstd`},
	"json, zstd as a stream":  {exporter: `path: "%dir%/data.json", compression: zstd`, args: nativeZstd},
	"proto, zstd as a stream": {exporter: `path: "%dir%/data.json", format: proto, compression: zstd`, args: nativeZstd},
	"json, rotated":           {exporter: `path: "%dir%/data.json", rotation: {max_megabytes: 1, max_backups: 100}`, several: true},
	"proto, rotated":          {exporter: `path: "%dir%/data.json", format: proto, rotation: {max_megabytes: 1, max_backups: 100}`, several: true},
	"json, grouped by service": {
		exporter: `path: "%dir%/*/data.json", group_by: {enabled: true, resource_attribute: service.name}`, several: true,
	},
}

var nativeZstd = []string{"--feature-gates=exporter.file.nativeCompression"}

// What the file exporter of this distribution wrote, in whichever form, is a recording that replays: through the same form
// again, and every record of the second file is there once and as in the first.
func TestFilesOfTheFileExporterReplayWithoutADifference(t *testing.T) {
	d := newCopy(t)
	r := generate(t, d, 5000, 250)
	dir, first := t.TempDir(), map[string]string{}
	for name, form := range fileForms {
		t.Run(name, func(t *testing.T) {
			written := filepath.Join(dir, name, "first")
			run := throughFile(t, written, r.recording, form.exporter, form.args)
			first[name] = written
			requireSameInFile(t, d, run, written)

			files, err := filepath.Glob(filepath.Join(written, "*"))
			require.NoError(t, err)
			require.Equal(t, form.several, len(files) > 1, "%v", files)

			again := filepath.Join(dir, name, "again")
			run = throughFile(t, again, written, form.exporter, form.args)
			requireSameInFile(t, d, run, again)
		})
	}
	// All forms of the one recording are one output.
	golden := filepath.Join(t.TempDir(), "golden.jsonl")
	out, err := d.command("replay", "diff", golden, first["json"], "--update")
	require.NoError(t, err, out)
	for name, written := range first {
		out, err := d.command("replay", "diff", golden, written)
		require.NoError(t, err, "%s: %s", name, out)
	}
}

func requireSameInFile(t *testing.T, d *devlogs, run, written string) {
	t.Helper()
	out, err := d.command("replay", "verify", run, "--source", "file="+written, "--settle", "1ms", "--delivery", "exactly-once")
	require.NoError(t, err, out)
	require.Contains(t, out, "sent 5,000 = delivered 5,000 + lost 0 + refused 0 + unknown 0")
	require.Contains(t, out, "retry duplicates 0; of other runs 0")
}

// throughFile plays a recording into a Collector that writes files into a folder, stops it, and returns the run's directory.
func throughFile(t *testing.T, written, recording, exporter string, args []string) (run string) {
	t.Helper()
	require.NoError(t, os.MkdirAll(written, 0o700))
	run = filepath.Join(t.TempDir(), "run")
	in := freePorts(t, 1)[0]
	config := fmt.Sprintf(`
receivers: {otlp: {protocols: {http: {endpoint: %s}}}}
exporters: {file: {%s}}
service:
  telemetry: {metrics: {level: none}, logs: {level: error}}
  pipelines: {logs: {receivers: [otlp], exporters: [file]}}`, in, strings.ReplaceAll(exporter, "%dir%", written))
	c := newCopy(t, append([]string{"--config", "yaml:" + config}, args...)...)
	require.NoError(t, c.launch())
	requireListening(t, c, in)
	out, err := c.command("replay", "play", recording, "--to", "http://"+in, "--pace", "asap", "--event-time", "keep", "--ledger", run)
	require.NoError(t, err, out)
	require.Zero(t, c.stop())
	return run
}
