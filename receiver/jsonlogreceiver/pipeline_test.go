package jsonlogreceiver

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/client"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.opentelemetry.io/collector/pdata/plog"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"
)

// pipeline is a consumer that remembers what it took and refuses what the test says.
type pipeline struct {
	mu     sync.Mutex
	refuse func(call int) error // nil: refuse nothing
	calls  int
	stored [][]string // bodies of each batch taken
	keys   []string
	tenant []string
}

func (p *pipeline) Capabilities() consumer.Capabilities { return consumer.Capabilities{} }

func (p *pipeline) ConsumeLogs(ctx context.Context, logs plog.Logs) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.calls++
	if p.refuse != nil {
		if err := p.refuse(p.calls); err != nil {
			return err
		}
	}
	var bodies []string
	for record := range records(logs) {
		bodies = append(bodies, record.Body().AsString())
	}
	p.stored = append(p.stored, bodies)
	metadata := client.FromContext(ctx).Metadata
	p.keys = append(p.keys, strings.Join(metadata.Get("idempotency-key"), ","))
	p.tenant = append(p.tenant, strings.Join(metadata.Get("x-scope-orgid"), ","))
	return nil
}

// overloaded is what an exporter returns that wants the client to come back.
func overloaded(t testing.TB, code codes.Code, after time.Duration) error {
	t.Helper()
	s, err := status.New(code, "the queue holds 1000 batches (setting queue.max_entries)").
		WithDetails(&errdetails.RetryInfo{RetryDelay: durationpb.New(after)})
	require.NoError(t, err)
	return fmt.Errorf("exporting: %w", s.Err())
}

func lines(from, to int) string {
	var b strings.Builder
	for i := from; i < to; i++ {
		fmt.Fprintf(&b, "{\"msg\":\"%d\"}\n", i)
	}
	return b.String()
}

func smallBatches(c *Config) { c.Batch.MaxRecords = 2 }

func TestABodyIsCutIntoBatchesWithKeysOfTheirOwn(t *testing.T) {
	p := &pipeline{}
	r := start(t, p, smallBatches)
	answer := r.post(t, "/v1/json", lines(0, 5), "Idempotency-Key", "upload#7", "X-Scope-OrgID", "team-a")
	require.JSONEq(t, `{"accepted":5,"rejected":0}`, answer.body)
	require.Equal(t, [][]string{{"0", "1"}, {"2", "3"}, {"4"}}, p.stored)
	require.Equal(t, []string{"upload%237", "upload%237#2", "upload%237#3"}, p.keys)
	require.Equal(t, []string{"team-a", "team-a", "team-a"}, p.tenant)
}

func TestABatchIsAlsoCutByItsBytes(t *testing.T) {
	p := &pipeline{}
	r := start(t, p, func(c *Config) { c.Batch.MaxBytes = 20 })
	r.post(t, "/v1/json", lines(0, 4))
	require.Equal(t, [][]string{{"0", "1"}, {"2", "3"}}, p.stored)
	require.Equal(t, []string{"", ""}, p.keys, "no key of our own making")
}

func TestTheAnswerSaysWhatIsStoredWhenThePipelineStopsTakingMore(t *testing.T) {
	for name, c := range map[string]struct {
		err        func(*testing.T) error
		status     int
		retryAfter string
		code       string
	}{
		"overloaded":        {func(t *testing.T) error { return overloaded(t, codes.ResourceExhausted, 6500*time.Millisecond) }, 429, "7", "overloaded"},
		"unavailable":       {func(t *testing.T) error { return overloaded(t, codes.Unavailable, 3*time.Second) }, 503, "3", "unavailable"},
		"without a delay":   {func(*testing.T) error { return errors.New("memory limit") }, 503, "", "unavailable"},
		"a fault of theirs": {func(*testing.T) error { return status.Error(codes.Internal, "bug") }, 500, "", "internal"},
	} {
		t.Run(name, func(t *testing.T) {
			err := c.err(t)
			p := &pipeline{refuse: func(call int) error {
				if call == 3 {
					return err
				}
				return nil
			}}
			r := start(t, p, smallBatches)
			body := lines(0, 3) + "bad\n" + lines(3, 9)
			answer := r.post(t, "/v1/json", body)
			require.Equal(t, c.status, answer.status)
			require.Equal(t, c.retryAfter, answer.header.Get("Retry-After"))
			report := answer.report(t)
			require.Equal(t, 4, report.Accepted)
			require.Equal(t, 1, report.Rejected)
			require.Equal(t, c.code, report.Error.Code)
			require.Equal(t, &place{Index: 5, Line: 6}, report.Retry)
			require.Equal(t, [][]string{{"0", "1"}, {"2", "3"}}, p.stored)

			// What the answer asks for: the body from there on.
			rest := strings.SplitAfterN(body, "\n", report.Retry.Line)[report.Retry.Line-1]
			require.Equal(t, http.StatusOK, r.post(t, "/v1/json", rest).status)
			require.Equal(t, [][]string{{"0", "1"}, {"2", "3"}, {"4", "5"}, {"6", "7"}, {"8"}}, p.stored)
		})
	}
}

func TestARetryWithTheSameKeyMakesTheSameBatches(t *testing.T) {
	p := &pipeline{refuse: func(call int) error {
		if call == 2 {
			return errors.New("not now")
		}
		return nil
	}}
	r := start(t, p, smallBatches)
	body := lines(0, 2) + "bad\n" + lines(2, 5)
	require.Equal(t, http.StatusServiceUnavailable, r.post(t, "/v1/json", body, "Idempotency-Key", "k").status)
	require.Equal(t, http.StatusOK, r.post(t, "/v1/json", body, "Idempotency-Key", "k").status)
	byKey := map[string][]string{}
	for i, key := range p.keys {
		if before, ok := byKey[key]; ok {
			require.Equal(t, before, p.stored[i], "what a store skips for its key must be what it has")
		}
		byKey[key] = p.stored[i]
	}
	require.Equal(t, map[string][]string{"k": {"0", "1"}, "k#2": {"2", "3"}, "k#3": {"4"}}, byKey)
}

func TestABatchThatThePipelineRejectsForItsContentIsRejectedAndTheRestGoesOn(t *testing.T) {
	for name, err := range map[string]error{
		"permanent":        consumererror.NewPermanent(errors.New("no such field")),
		"invalid argument": consumererror.NewPermanent(status.Error(codes.InvalidArgument, "no such field")),
	} {
		t.Run(name, func(t *testing.T) {
			p := &pipeline{refuse: func(call int) error {
				if call == 2 {
					return err
				}
				return nil
			}}
			r := start(t, p, smallBatches)
			answer := r.post(t, "/v1/json", lines(0, 5))
			require.Equal(t, http.StatusOK, answer.status)
			report := answer.report(t)
			require.Equal(t, 3, report.Accepted)
			require.Equal(t, 2, report.Rejected)
			require.Len(t, report.Errors, 1)
			require.Equal(t, place{2, 3}, report.Errors[0].place)
			require.Equal(t, 2, report.Errors[0].Count)
			if name == "invalid argument" {
				require.Equal(t, "no such field", report.Errors[0].Message, "the plumbing's words are not for the client")
			}
			require.Contains(t, report.Errors[0].Message, "no such field")

			p.refuse = func(int) error { return err }
			require.Equal(t, http.StatusBadRequest, r.post(t, "/v1/json", lines(0, 5)).status)
		})
	}
}

func TestBulkItemsThatThePipelineRefusesAreToBeSentAgain(t *testing.T) {
	p := &pipeline{refuse: func(call int) error {
		if call >= 2 {
			return overloaded(t, codes.ResourceExhausted, 2*time.Second)
		}
		return nil
	}}
	r := start(t, p, smallBatches)
	var body strings.Builder
	for i := range 5 {
		fmt.Fprintf(&body, "{\"create\":{}}\n{\"message\":\"%d\"}\n", i)
	}
	answer := r.post(t, "/_bulk", body.String())
	require.Equal(t, http.StatusOK, answer.status, "some items are stored")
	var statuses []int
	for _, item := range answer.bulk(t).Items {
		statuses = append(statuses, item["create"].Status)
	}
	require.Equal(t, []int{201, 201, 429, 429, 429}, statuses)

	answer = r.post(t, "/_bulk", body.String())
	require.Equal(t, http.StatusTooManyRequests, answer.status, "nothing is stored")
	require.Equal(t, "2", answer.header.Get("Retry-After"))
	require.Contains(t, answer.body, "es_rejected_execution_exception")
}

func TestEveryProtocolPassesOnWhenToComeBack(t *testing.T) {
	p := &pipeline{refuse: func(int) error { return overloaded(t, codes.ResourceExhausted, 9*time.Second) }}
	r := start(t, p)
	for path, body := range map[string]string{
		"/v1/json":                  `{"msg":"a"}`,
		"/insert/jsonline":          `{"msg":"a"}`,
		"/loki/api/v1/push":         `{"streams":[{"stream":{"a":"b"},"values":[["1760000000000000000","x"]]}]}`,
		"/_bulk":                    "{\"create\":{}}\n{}\n",
		"/services/collector/event": `{"event":"a"}`,
		"/services/collector/raw":   `a`,
	} {
		answer := r.post(t, path, body)
		require.Equal(t, http.StatusTooManyRequests, answer.status, path)
		require.Equal(t, "9", answer.header.Get("Retry-After"), path)
	}
}
