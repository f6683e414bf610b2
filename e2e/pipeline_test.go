package e2e

import (
	"cmp"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// pipeline is a Collector between the sender and the built-in sink: %in% and %out% are its addresses.
const pipeline = `
receivers:
  otlp: {protocols: {http: {endpoint: %in%}}}
exporters:
  otlp: {endpoint: %out%, tls: {insecure: true}, sending_queue: {enabled: false}}
service:
  telemetry: {metrics: {level: none}, logs: {level: error}}
  pipelines:
    logs: {receivers: [otlp], exporters: [otlp]}
`

// broken are the ways in which people break a pipeline, with what the gate has to say.
var broken = map[string]struct {
	change     string // merged over pipeline
	flags      []string
	settle     string // how long the sink waits for what is late; nothing: all comes before its acknowledgement
	verifySays []string
	diffSays   []string // nothing: the output's content is right
}{
	"a transform that drops a field": {
		change: `
processors:
  transform: {log_statements: ['delete_key(log.attributes, "http.route")']}
service: {pipelines: {logs: {processors: [transform]}}}`,
		verifySays: []string{"changed on the way (mutated)", "mutated: attributes.http.route removed"},
		diffSays:   []string{"records changed", "attributes.http.route removed"},
	},
	"a filter that takes too many": {
		change: `
processors:
  filter: {logs: {log_record: ['severity_number >= SEVERITY_NUMBER_WARN']}}
service: {pipelines: {logs: {processors: [filter]}}}`,
		verifySays: []string{"lost: acknowledged, but not there", "WARN ("},
		diffSays:   []string{"records missing", "missing: "},
	},
	"a number that becomes a text": {
		change: `
processors:
  transform: {log_statements: ['set(log.attributes["http.response.status_code"], String(log.attributes["http.response.status_code"])) where log.attributes["http.response.status_code"] != nil']}
service: {pipelines: {logs: {processors: [transform]}}}`,
		verifySays: []string{"mutated: attributes.http.response.status_code int → string"},
		diffSays:   []string{"attributes.http.response.status_code int → string"},
	},
	"a batch that overtakes another": {
		change: `
processors:
  filter/warn: {logs: {log_record: ['severity_number >= SEVERITY_NUMBER_WARN']}}
  filter/rest: {logs: {log_record: ['severity_number < SEVERITY_NUMBER_WARN']}}
exporters:
  otlp/slow:
    endpoint: %out%
    tls: {insecure: true}
    sending_queue: {batch: {flush_timeout: 1s, min_size: 1000000}}
service:
  pipelines:
    logs: {processors: [filter/warn]}
    logs/slow: {receivers: [otlp], processors: [filter/rest], exporters: [otlp/slow]}`,
		flags:      []string{"--require-order"},
		settle:     "10s",
		verifySays: []string{"out of the order of their stream", "it comes after record"},
	},
	"a batch that is sent twice": {
		change: `
exporters:
  otlp/again: {endpoint: %out%, tls: {insecure: true}, sending_queue: {enabled: false}}
service: {pipelines: {logs: {exporters: [otlp, otlp/again]}}}`,
		verifySays: []string{"duplicated by the pipeline", "found 2 times, allowed 1"},
		diffSays:   []string{"records too many"},
	},
}

// A pipeline that works passes verify and makes the golden; each broken one fails the gate, with a message that names the
// fault, and with the exit code that says whose fault it is.
func TestEveryBrokenPipelineFailsTheGateAndSaysWhy(t *testing.T) {
	d := newCopy(t)
	r := generate(t, d, 3000, 100)
	golden := filepath.Join(t.TempDir(), "golden.jsonl")
	masks := filepath.Join(t.TempDir(), "masks.yaml")
	require.NoError(t, os.WriteFile(masks, []byte("masks: []\n"), 0o600))

	run := through(t, r.recording, "", "")
	out, err := d.command("replay", "verify", run, "--source", "sink", "--require-order", "--self-test")
	require.NoError(t, err, out)
	out, err = d.command("replay", "diff", golden, run, "--masks", masks, "--update")
	require.NoError(t, err, out)
	out, err = d.command("replay", "diff", golden, run, "--masks", masks)
	require.NoError(t, err, out)

	for name, c := range broken {
		t.Run(name, func(t *testing.T) {
			run := through(t, r.recording, c.change, c.settle)
			out, err := d.command(append([]string{"replay", "verify", run, "--source", "sink"}, c.flags...)...)
			require.Equal(t, 2, exitCode(t, err), out)
			for _, want := range c.verifySays {
				require.Contains(t, out, want)
			}
			out, err = d.command("replay", "diff", golden, run, "--masks", masks)
			if len(c.diffSays) == 0 {
				require.NoError(t, err, out)
				return
			}
			require.Equal(t, 3, exitCode(t, err), out)
			for _, want := range c.diffSays {
				require.Contains(t, out, want)
			}
			junit, err := d.command("replay", "report", run, "-f", "junit", "-o", "-")
			require.NoError(t, err, junit)
			require.Contains(t, junit, "<failure ")
		})
	}
}

// through plays a recording through a pipeline into the built-in sink, and returns the run's directory.
func through(t *testing.T, recording, change, settle string) string {
	t.Helper()
	ports := freePorts(t, 2)
	addresses := strings.NewReplacer("%in%", ports[0], "%out%", ports[1])
	args := []string{"--config", "yaml:" + addresses.Replace(pipeline)}
	if change != "" {
		args = append(args, "--config", "yaml:"+addresses.Replace(change))
	}
	d := newCopy(t, args...)
	require.NoError(t, d.launch())
	requireListening(t, d, ports[0])
	run := filepath.Join(t.TempDir(), "run")
	out, err := d.command("replay", "play", recording, "--to", "http://"+ports[0], "--pace", "asap", "--workers", "1",
		"--event-time", "keep", "--ledger", run, "--sink", ports[1], "--sink-settle", cmp.Or(settle, "100ms"))
	require.NoError(t, err, out+d.stderr.String())
	d.kill()
	return run
}

// requireListening waits until a pipeline takes connections.
func requireListening(t *testing.T, d *devlogs, address string) {
	t.Helper()
	require.Eventually(t, func() bool {
		select {
		case <-d.exited:
			return true
		default:
		}
		c, err := net.Dial("tcp", address)
		if err == nil {
			c.Close()
		}
		return err == nil
	}, readyWithin, 20*time.Millisecond)
	select {
	case <-d.exited:
		require.FailNow(t, "the pipeline ended", d.stderr.String())
	default:
	}
}
