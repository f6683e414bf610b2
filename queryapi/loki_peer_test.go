package queryapi

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/instantdevlogs/devlogs/logql/conformance"
)

// lokiConfig makes a Loki of one process that keeps what it gets over OTLP as devlogs does: every resource attribute is a
// label of the stream, every record attribute is structured metadata.
const lokiConfig = `
auth_enabled: false
server: {http_listen_address: 127.0.0.1, http_listen_port: HTTP, grpc_listen_address: 127.0.0.1, grpc_listen_port: GRPC, log_level: error}
common:
  path_prefix: DIR
  instance_addr: 127.0.0.1
  storage: {filesystem: {chunks_directory: DIR/chunks, rules_directory: DIR/rules}}
  replication_factor: 1
  ring: {instance_addr: 127.0.0.1, kvstore: {store: inmemory}}
frontend: {address: 127.0.0.1}
schema_config:
  configs: [{from: 2020-10-24, store: tsdb, object_store: filesystem, schema: v13, index: {prefix: index_, period: 24h}}]
query_range: {align_queries_with_step: false, cache_results: false}
limits_config:
  volume_enabled: true
  allow_structured_metadata: true
  max_entries_limit_per_query: 10000
  discover_log_levels: true
  split_queries_by_interval: 0
  otlp_config:
    resource_attributes:
      ignore_defaults: true
      attributes_config:
        - {action: index_label, regex: ".*"}
analytics: {reporting_enabled: false}
`

// startLoki runs the Loki that DEVLOGS_TEST_LOKI names, and gives its address.
func startLoki(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	ports := make([]string, 2)
	for i := range ports {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		_, ports[i], _ = net.SplitHostPort(l.Addr().String())
		require.NoError(t, l.Close())
	}
	config := filepath.Join(dir, "loki.yaml")
	text := strings.NewReplacer("HTTP", ports[0], "GRPC", ports[1], "DIR", filepath.Join(dir, "data")).Replace(lokiConfig)
	require.NoError(t, os.WriteFile(config, []byte(text), 0o600))
	log, err := os.Create(filepath.Join(dir, "loki.log"))
	require.NoError(t, err)
	loki := exec.Command(os.Getenv("DEVLOGS_TEST_LOKI"), "-config.file="+config)
	loki.Stdout, loki.Stderr = log, log
	require.NoError(t, loki.Start())
	t.Cleanup(func() {
		_ = loki.Process.Kill()
		_ = loki.Wait()
		_ = log.Close()
	})
	address := "http://127.0.0.1:" + ports[0]
	require.Eventually(t, func() bool {
		response, err := http.Get(address + "/ready")
		if err != nil {
			return false
		}
		return response.Body.Close() == nil && response.StatusCode == http.StatusOK
	}, 2*time.Minute, time.Second, "Loki does not get ready: see %s", log.Name())
	return address
}

// recentBase is where the comparison puts the data set's beginning: Loki does not look for old records in what it has not
// flushed yet. The steps of the suite are of 20 minutes, so its windows stay where they were.
func recentBase() time.Time { return time.Now().Truncate(20 * time.Minute).Add(-time.Hour) }

// shifted is the conformance data set, moved to another beginning.
func shifted(to time.Time) plog.Logs {
	logs := conformance.Logs()
	by := to.Sub(conformance.Base)
	for _, rl := range logs.ResourceLogs().All() {
		for _, sl := range rl.ScopeLogs().All() {
			for _, r := range sl.LogRecords().All() {
				r.SetTimestamp(pcommon.NewTimestampFromTime(r.Timestamp().AsTime().Add(by)))
			}
		}
	}
	return logs
}

// pushOTLP sends logs as a Collector does.
func pushOTLP(ctx context.Context, address string, logs plog.Logs) error {
	message, err := (&plog.ProtoMarshaler{}).MarshalLogs(logs)
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, address+"/otlp/v1/logs", bytes.NewReader(message))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/x-protobuf")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode/100 != 2 {
		return fmt.Errorf("push to Loki: %s", response.Status)
	}
	return nil
}
