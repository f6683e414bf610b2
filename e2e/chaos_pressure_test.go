package e2e

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/shirou/gopsutil/v4/process"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/plog/plogotlp"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
)

// attempt sends a batch once. wait is how long the answer tells the client to wait; 0 when it was taken.
type attempt func(ctx context.Context, d *devlogs, name string, records int) (wait time.Duration, err error)

func attemptJSON(ctx context.Context, d *devlogs, name string, records int) (time.Duration, error) {
	return retryAfter(post(ctx, "http://"+d.json, "application/x-ndjson", []byte(jsonLines(name, records)), "Idempotency-Key", name))
}

func attemptProtobuf(ctx context.Context, d *devlogs, name string, records int) (time.Duration, error) {
	body, err := plogotlp.NewExportRequestFromLogs(otlpBatch(name, records)).MarshalProto()
	if err != nil {
		return 0, err
	}
	return retryAfter(post(ctx, "http://"+d.otlpHTTP+"/v1/logs", "application/x-protobuf", body))
}

// retryAfter reads what a client reads. Any other refusal than 429 with a time is an error: a client may give up then.
func retryAfter(a answer, err error) (time.Duration, error) {
	if err != nil || a.status == http.StatusOK {
		return 0, err
	}
	seconds, err := strconv.Atoi(a.header.Get("Retry-After"))
	if a.status != http.StatusTooManyRequests || err != nil || seconds < 1 {
		return 0, fmt.Errorf("HTTP %d, Retry-After %q: %s", a.status, a.header.Get("Retry-After"), a.body)
	}
	return time.Duration(seconds) * time.Second, nil
}

func attemptGRPC(ctx context.Context, d *devlogs, name string, records int) (time.Duration, error) {
	conn, err := grpc.NewClient(d.otlpGRPC, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	_, err = plogotlp.NewGRPCClient(conn).Export(ctx, plogotlp.NewExportRequestFromLogs(otlpBatch(name, records)))
	if err == nil {
		return 0, nil
	}
	s := status.Convert(err)
	for _, detail := range s.Details() {
		if info, ok := detail.(*errdetails.RetryInfo); ok && s.Code() == codes.ResourceExhausted {
			return info.RetryDelay.AsDuration(), nil
		}
	}
	return 0, errors.Join(errors.New("no RetryInfo"), err)
}

const (
	queueLimit  = 1 << 20
	memoryLimit = 400 << 20 // what one process may take at full load
)

// The database stops under full load. Clients get 429 with a time to come back, in the form of their protocol, and those who
// obey lose nothing; the queue stays under its limit and the processes' memory bounded.
func TestAStoppedDatabaseHoldsClientsBackAndLosesNothing(t *testing.T) {
	f := newFleet(t)
	gateway := f.gateway("--set", fmt.Sprintf("exporters.timescale.redis.max_bytes=%d", queueLimit))
	worker := f.worker()
	f.send(gateway, sendJSON, "before", 10)

	f.postgres.StopImmediate(t)
	ctx, done := context.WithCancel(t.Context())
	var refused atomic.Int64
	var clients sync.WaitGroup
	for protocol, attempt := range map[string]attempt{"grpc": attemptGRPC, "protobuf": attemptProtobuf, "json": attemptJSON, "json2": attemptJSON} {
		clients.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				if !f.obey(attempt, gateway, fmt.Sprintf("%s-%d", protocol, n), &refused) {
					return
				}
			}
		})
	}
	require.Eventually(t, func() bool { return refused.Load() >= 4 }, time.Minute, 20*time.Millisecond, "nobody is held back")
	depth, err := f.depth()
	require.NoError(t, err)
	require.Less(t, depth.Bytes, int64(2*queueLimit))
	for name, d := range map[string]*devlogs{"gateway": gateway, "worker": worker} {
		p, err := process.NewProcess(int32(d.process.Process.Pid))
		require.NoError(t, err)
		memory, err := p.MemoryInfo()
		require.NoError(t, err)
		t.Logf("%s: %d MiB resident", name, memory.RSS>>20)
		require.Less(t, memory.RSS, uint64(memoryLimit), name)
	}
	f.postgres.Start(t)
	done()
	clients.Wait()
	f.account()
	t.Logf("%d batches, after %d times 429", len(f.sent), refused.Load())
}

// obey sends a batch and waits for as long as it is told, as often as clients do before they give up.
func (f *fleet) obey(attempt attempt, d *devlogs, name string, refused *atomic.Int64) bool {
	const records = 2000
	for range 20 {
		wait, err := attempt(f.t.Context(), d, name, records)
		if !assert.NoError(f.t, err) {
			return false
		}
		if wait == 0 {
			f.acknowledged(name, records)
			return true
		}
		refused.Add(1)
		<-time.After(wait)
	}
	return assert.Fail(f.t, "a client gives up", name)
}
