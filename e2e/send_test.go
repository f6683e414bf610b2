package e2e

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/plog/plogotlp"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
)

// answer is what an HTTP request got.
type answer struct {
	status int
	header http.Header
	body   string
}

// client makes a connection for each request: copies are killed, and a kept connection would hide that.
var client = &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}

// post sends a body; headers come in pairs.
func post(ctx context.Context, url, contentType string, body []byte, headers ...string) (answer, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return answer{}, err
	}
	request.Header.Set("Content-Type", contentType)
	for i := 0; i < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	return do(request)
}

func do(request *http.Request) (answer, error) {
	response, err := client.Do(request)
	if err != nil {
		return answer{}, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	return answer{response.StatusCode, response.Header, string(body)}, err
}

// sender sends one batch, whose records have the bodies name/0, name/1, …. It returns nil when devlogs acknowledged it, and
// sends the same bytes each time it is called for the same batch.
type sender func(ctx context.Context, d *devlogs, name string, records int) error

func sendOTLPProtobuf(ctx context.Context, d *devlogs, name string, records int) error {
	body, err := plogotlp.NewExportRequestFromLogs(otlpBatch(name, records)).MarshalProto()
	if err != nil {
		return err
	}
	return acknowledged(post(ctx, "http://"+d.otlpHTTP+"/v1/logs", "application/x-protobuf", body))
}

func sendOTLPJSON(ctx context.Context, d *devlogs, name string, records int) error {
	body, err := plogotlp.NewExportRequestFromLogs(otlpBatch(name, records)).MarshalJSON()
	if err != nil {
		return err
	}
	return acknowledged(post(ctx, "http://"+d.otlpHTTP+"/v1/logs", "application/json", body))
}

func sendOTLPGRPC(ctx context.Context, d *devlogs, name string, records int) error {
	conn, err := grpc.NewClient(d.otlpGRPC, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return err
	}
	defer conn.Close()
	_, err = plogotlp.NewGRPCClient(conn).Export(ctx, plogotlp.NewExportRequestFromLogs(otlpBatch(name, records)))
	return err
}

// sendJSON sends lines without a time of their own: only the key tells a retry from a new request.
func sendJSON(ctx context.Context, d *devlogs, name string, records int) error {
	return acknowledged(post(ctx, "http://"+d.json, "application/x-ndjson", []byte(jsonLines(name, records)),
		"Idempotency-Key", name))
}

func jsonLines(name string, records int) string {
	var b strings.Builder
	for i := range records {
		fmt.Fprintf(&b, `{"level":"warn","message":"%s/%d","service":"e2e","n":%d}`+"\n", name, i, i)
	}
	return b.String()
}

func otlpBatch(name string, records int) plog.Logs {
	logs := plog.NewLogs()
	rl := logs.ResourceLogs().AppendEmpty()
	rl.Resource().Attributes().PutStr("service.name", "e2e")
	scope := rl.ScopeLogs().AppendEmpty()
	for i := range records {
		record := scope.LogRecords().AppendEmpty()
		record.SetTimestamp(pcommon.NewTimestampFromTime(began.Add(time.Duration(i) * time.Millisecond)))
		record.SetSeverityNumber(plog.SeverityNumberWarn)
		record.Body().SetStr(fmt.Sprintf("%s/%d", name, i))
		record.Attributes().PutInt("n", int64(i))
	}
	return logs
}

// began dates the OTLP records: every time a batch is made it must be the same batch.
var began = time.Now()

func acknowledged(a answer, err error) error {
	if err != nil {
		return err
	}
	if a.status/100 != 2 {
		return fmt.Errorf("HTTP %d: %s", a.status, a.body)
	}
	return nil
}

// mustSend sends with whichever sender and expects success.
func mustSend(t *testing.T, d *devlogs, send sender, name string, records int) {
	t.Helper()
	require.NoError(t, send(t.Context(), d, name, records))
}
