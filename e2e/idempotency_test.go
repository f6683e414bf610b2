package e2e

import (
	"context"
	"encoding/json"
	"net/http"
	"testing"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/plog/plogotlp"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

// requireKeyedOnce: a key that comes again with the same body is a retry, with another body it is refused with a message that
// says what to do, at every door.
func requireKeyedOnce(t *testing.T, d *devlogs) {
	t.Helper()
	lines := func(name string) (answer, error) {
		return post(t.Context(), "http://"+d.json, "application/x-ndjson", []byte(jsonLines(name, 3)), "Idempotency-Key", "json")
	}
	for range 2 {
		require.NoError(t, acknowledged(lines("json-first")))
	}
	a, err := lines("json-second")
	require.NoError(t, err)
	require.Equal(t, http.StatusUnprocessableEntity, a.status, a.body)
	var report struct {
		Accepted int
		Error    struct{ Code, Message string }
	}
	require.NoError(t, json.Unmarshal([]byte(a.body), &report))
	require.Zero(t, report.Accepted)
	require.Equal(t, "idempotency_key_reused", report.Error.Code)
	require.Contains(t, report.Error.Message, "send it with a key of its own")

	otlp := func(name string) (answer, error) {
		body, err := plogotlp.NewExportRequestFromLogs(otlpBatch(name, 3)).MarshalProto()
		require.NoError(t, err)
		return post(t.Context(), "http://"+d.otlpHTTP+"/v1/logs", "application/x-protobuf", body, "Idempotency-Key", "otlp")
	}
	for range 2 {
		require.NoError(t, acknowledged(otlp("otlp-first")))
	}
	a, err = otlp("otlp-second")
	require.NoError(t, err)
	require.Equal(t, http.StatusBadRequest, a.status, a.body)
	require.Contains(t, a.body, "send it with a key of its own")

	conn, err := grpc.NewClient(d.otlpGRPC, grpc.WithTransportCredentials(insecure.NewCredentials()))
	require.NoError(t, err)
	defer conn.Close()
	export := func(name string) error {
		ctx := metadata.AppendToOutgoingContext(t.Context(), "idempotency-key", "grpc")
		_, err := plogotlp.NewGRPCClient(conn).Export(ctx, plogotlp.NewExportRequestFromLogs(otlpBatch(name, 3)))
		return err
	}
	for range 2 {
		require.NoError(t, export("grpc-first"))
	}
	err = export("grpc-second")
	require.Equal(t, codes.InvalidArgument, status.Code(err), err)
	require.ErrorContains(t, err, "send it with a key of its own")
}

var keyedOnce = map[string]int{"json-first": 3, "otlp-first": 3, "grpc-first": 3}

func TestAKeyThatIsUsedAgainForOtherLogsIsRefused(t *testing.T) {
	d := start(t)
	requireKeyedOnce(t, d)
	account(t, d, keyedOnce)
	d.kill()
	d.run()
	requireKeyedOnce(t, d)
	account(t, d, keyedOnce)
}

// In production the client hears it too; what only the database knows, after a while, is kept as a dead letter, and can be
// brought in.
func TestInProductionAKeyThatIsUsedAgainForOtherLogsLosesNothing(t *testing.T) {
	p := newProduction(t)
	d := p.start("production")
	requireKeyedOnce(t, d.devlogs)
	d.drained()
	account(t, d.devlogs, keyedOnce)

	options, err := redis.ParseURL(p.redis.URL)
	require.NoError(t, err)
	client := redis.NewClient(options)
	defer client.Close()
	keys, err := client.Keys(t.Context(), "*:key:*").Result()
	require.NoError(t, err)
	require.NotEmpty(t, keys)
	require.NoError(t, client.Del(context.Background(), keys...).Err()) // as time does
	require.NoError(t, acknowledged(post(t.Context(), "http://"+d.json, "application/x-ndjson", []byte(jsonLines("late", 3)),
		"Idempotency-Key", "json")))
	d.drained()
	require.Equal(t, queueStatus{DeadLetters: 1}, d.queueStatus())
	account(t, d.devlogs, keyedOnce)
	out, err := d.command("queue", "dead-letters")
	require.NoError(t, err, out)
	require.Contains(t, out, "Idempotency-Key was used before with another body")
	out, err = d.command("queue", "requeue", "--all")
	require.NoError(t, err, out)
	d.drained()
	account(t, d.devlogs, map[string]int{"json-first": 3, "otlp-first": 3, "grpc-first": 3, "late": 3})
}
