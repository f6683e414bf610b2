package jsonlogreceiver

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/config/confighttp"
	"go.opentelemetry.io/collector/config/configoptional"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/receiver/otlpreceiver"
	"go.opentelemetry.io/collector/receiver/receivertest"
)

// The tests in this file send with real clients. tools/testdeps/clients.sh sets them up; it does nothing when they are there.
var setUpClients = sync.OnceValues(func() (string, error) {
	root, err := filepath.Abs("../..")
	if err != nil {
		return "", err
	}
	output, err := exec.Command("sh", filepath.Join(root, "tools/testdeps/clients.sh")).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("setting up the clients: %w\n%s", err, output)
	}
	return filepath.Join(root, ".cache", "clients"), nil
})

func clients(t *testing.T) string {
	t.Helper()
	dir, err := setUpClients()
	require.NoError(t, err)
	return dir
}

// awaited is a consumer that tells when it has the records that a test waits for.
type awaited struct {
	mu   sync.Mutex
	logs []plog.Logs
	left int
	done chan struct{}
}

func await(records int) *awaited { return &awaited{left: records, done: make(chan struct{})} }

func (a *awaited) Capabilities() consumer.Capabilities { return consumer.Capabilities{} }

func (a *awaited) ConsumeLogs(_ context.Context, logs plog.Logs) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.logs = append(a.logs, logs)
	before := a.left
	if a.left -= logs.LogRecordCount(); before > 0 && a.left <= 0 {
		close(a.done)
	}
	return nil
}

// byBody waits for the records and gives them with their resources.
func (a *awaited) byBody(t *testing.T) (map[string]plog.LogRecord, map[string]map[string]any) {
	t.Helper()
	select {
	case <-a.done:
	case <-time.After(time.Minute):
		require.FailNow(t, "the records did not come")
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	found, resources := map[string]plog.LogRecord{}, map[string]map[string]any{}
	for _, logs := range a.logs {
		for _, rl := range logs.ResourceLogs().All() {
			for _, record := range rl.ScopeLogs().At(0).LogRecords().All() {
				found[record.Body().AsString()] = record
				resources[record.Body().AsString()] = rl.Resource().Attributes().AsRaw()
			}
		}
	}
	return found, resources
}

// node runs one of the scripts in testdata/clients to its end.
func node(t *testing.T, script string, args ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "node", append([]string{filepath.Join("testdata", "clients", script)}, args...)...)
	cmd.Env = append(os.Environ(), "NODE_PATH="+filepath.Join(clients(t), "node", "node_modules"))
	output, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", output)
}

// daemon runs a program until the test ends.
func daemon(t *testing.T, name string, args ...string) {
	t.Helper()
	var output bytes.Buffer
	cmd := exec.Command(name, args...)
	cmd.Stdout, cmd.Stderr = &output, &output
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		err := cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait() // its exit status after a signal is its own affair
		if t.Failed() {
			t.Logf("%s: %v\n%s", name, err, &output)
		}
	})
}

func TestPinoSendsThroughItsLokiTransport(t *testing.T) {
	sink := await(2)
	r := start(t, sink)
	node(t, "pino-loki.js", r.url)
	found, resources := sink.byBody(t)
	for body, record := range found {
		require.Equal(t, "pino-app", resources[body]["app"])
		require.Equal(t, "pino-app", resources[body]["service.name"])
		require.Contains(t, []plog.SeverityNumber{9, 17}, record.SeverityNumber())
		require.WithinDuration(t, time.Now(), record.Timestamp().AsTime(), time.Minute)
	}
	require.Len(t, found, 2)
}

func TestWinstonSendsThroughItsLokiTransport(t *testing.T) {
	for _, encoding := range []string{"protobuf", "json"} {
		t.Run(encoding, func(t *testing.T) {
			sink := await(2)
			r := start(t, sink)
			node(t, "winston-loki.js", r.url, encoding)
			found, resources := sink.byBody(t)
			started, failed := `started {"port":8080,"level":"info"}`, `failed {"code":"ECONNREFUSED","level":"error"}`
			require.Contains(t, found, started)
			require.EqualValues(t, 9, found[started].SeverityNumber())
			require.Contains(t, found, failed)
			require.EqualValues(t, 17, found[failed].SeverityNumber())
			require.Equal(t, "error", found[failed].SeverityText())
			require.Equal(t, map[string]any{"app": "winston-app", "level": "error", "service.name": "winston-app"}, resources[failed])
		})
	}
}

// TestOpenTelemetrySDKSends is about the other receiver that JavaScript's SDK sends JSON to: the stock one for OTLP.
func TestOpenTelemetrySDKSendsJSONToTheStockReceiver(t *testing.T) {
	free, err := net.Listen("tcp", "localhost:0")
	require.NoError(t, err)
	address := free.Addr().String()
	require.NoError(t, free.Close())
	factory := otlpreceiver.NewFactory()
	config := factory.CreateDefaultConfig().(*otlpreceiver.Config)
	server := confighttp.NewDefaultServerConfig()
	server.NetAddr.Endpoint = address
	config.Protocols.HTTP = configoptional.Some(otlpreceiver.HTTPConfig{ServerConfig: server, LogsURLPath: "/v1/logs"})
	sink := await(1)
	receiver, err := factory.CreateLogs(t.Context(), receivertest.NewNopSettings(component.MustNewType("otlp")), config, sink)
	require.NoError(t, err)
	require.NoError(t, receiver.Start(t.Context(), componenttest.NewNopHost()))
	defer func() { require.NoError(t, receiver.Shutdown(context.Background())) }()

	node(t, "otlp.js", "http://"+address)
	found, resources := sink.byBody(t)
	require.Contains(t, found, "low stock")
	require.Equal(t, map[string]any{"sku": "A-1", "left": int64(3)}, found["low stock"].Attributes().AsRaw())
	require.Equal(t, "otel-app", resources["low stock"]["service.name"])
}

func TestRsyslogSendsThroughItsElasticsearchOutput(t *testing.T) {
	clients(t)
	sink := await(3)
	r := start(t, sink)
	target, err := url.Parse(r.url)
	require.NoError(t, err)
	dir := t.TempDir()
	socket, config := filepath.Join(dir, "log"), filepath.Join(dir, "rsyslog.conf")
	require.NoError(t, os.WriteFile(config, fmt.Appendf(nil, `
global(workDirectory=%q)
module(load="imuxsock" SysSock.Use="off")
module(load="omelasticsearch")
input(type="imuxsock" Socket=%q)
action(type="omelasticsearch" server=%q serverport=%q searchIndex="syslog" searchType="" bulkmode="on"
       retryfailures="on" action.resumeInterval="1" action.resumeRetryCount="-1")
`, dir, socket, target.Hostname(), target.Port()), 0o600))
	daemon(t, "rsyslogd", "-n", "-f", config, "-i", filepath.Join(dir, "pid"))
	sendSyslog(t, socket, "<11>app[42]: disk \"sda\" failed", "<14>app[42]: all is well", "<12>app[42]: getting warm")

	found, resources := sink.byBody(t)
	text := ` disk "sda" failed`
	require.Contains(t, found, text)
	require.EqualValues(t, 17, found[text].SeverityNumber())
	require.EqualValues(t, 13, found[" getting warm"].SeverityNumber())
	require.WithinDuration(t, time.Now(), found[text].Timestamp().AsTime(), time.Minute)
	require.NotEmpty(t, resources[text]["host.name"])
}

func TestSyslogNGSendsThroughItsHTTPDestination(t *testing.T) {
	home := filepath.Join(clients(t), "syslog-ng")
	modules, err := filepath.Glob(filepath.Join(home, "usr/lib/syslog-ng/[0-9]*"))
	require.NoError(t, err)
	require.Len(t, modules, 1)
	var libraries []string
	for _, dir := range []string{"usr/lib/*", "lib/*"} {
		found, err := filepath.Glob(filepath.Join(home, dir))
		require.NoError(t, err)
		libraries = append(libraries, found...)
	}
	sink := await(3)
	r := start(t, sink)
	dir := t.TempDir()
	socket, config := filepath.Join(dir, "log"), filepath.Join(dir, "syslog-ng.conf")
	require.NoError(t, os.WriteFile(config, fmt.Appendf(nil, `
@version: %s
source local { unix-dgram(%q); };
destination devlogs {
  http(url("%s/v1/json") method("POST") headers("Content-Type: application/x-ndjson") batch-lines(3) batch-timeout(200)
       body('$(format-json --scope rfc5424 --pair DATE=$ISODATE --pair LEVEL=$LEVEL --omit-empty-values)'));
};
log { source(local); destination(devlogs); };
`, filepath.Base(modules[0]), socket, r.url), 0o600))
	daemon(t, "env", "LD_LIBRARY_PATH="+strings.Join(libraries, ":"),
		filepath.Join(home, "usr/sbin/syslog-ng"), "-F", "--no-caps", "-f", config, "--module-path", modules[0],
		"-R", filepath.Join(dir, "persist"), "-p", filepath.Join(dir, "pid"), "-c", filepath.Join(dir, "ctl"))
	sendSyslog(t, socket, "<11>app[42]: disk \"sda\" failed", "<14>app[42]: all is well", "<12>app[42]: getting warm")

	found, resources := sink.byBody(t)
	text := `disk "sda" failed`
	require.Contains(t, found, text)
	require.EqualValues(t, 17, found[text].SeverityNumber())
	require.WithinDuration(t, time.Now(), found[text].Timestamp().AsTime(), time.Minute)
	require.Equal(t, "app", resources[text]["service.name"])
	require.NotEmpty(t, resources[text]["host.name"])
}

// sendSyslog writes to the socket of a syslog daemon as soon as that is there.
func sendSyslog(t *testing.T, socket string, messages ...string) {
	t.Helper()
	var conn net.Conn
	require.Eventually(t, func() (ok bool) {
		var err error
		conn, err = net.Dial("unixgram", socket)
		return err == nil
	}, time.Minute, 20*time.Millisecond)
	defer conn.Close()
	for _, message := range messages {
		_, err := conn.Write([]byte(message))
		require.NoError(t, err)
	}
}
