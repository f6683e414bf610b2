package jsonlogreceiver

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/client"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/instantdevlogs/devlogs/internal/idempotency"
)

// keyStore refuses as the stores of devlogs do: a key is stored once, and taken for another payload.
type keyStore struct {
	prints map[string]string
	bodies map[string][]string
}

func newKeyStore() *keyStore { return &keyStore{map[string]string{}, map[string][]string{}} }

func (*keyStore) Capabilities() consumer.Capabilities { return consumer.Capabilities{} }

func (s *keyStore) ConsumeLogs(ctx context.Context, logs plog.Logs) error {
	metadata := client.FromContext(ctx).Metadata
	key, print := metadata.Get(idempotency.Key)[0], metadata.Get(idempotency.Fingerprint)[0]
	if before, ok := s.prints[key]; ok {
		if before != print {
			return fmt.Errorf("exporting: %w", idempotency.Reused())
		}
		return nil
	}
	s.prints[key] = print
	for record := range records(logs) {
		s.bodies[key] = append(s.bodies[key], record.Body().AsString())
	}
	return nil
}

func TestAKeyThatComesWithAnotherBodyIsRefused(t *testing.T) {
	for name, c := range map[string]struct {
		first, second string
		accepted      int    // of the second
		from          *place // where nothing is stored from
	}{
		"another record":                  {lines(0, 1), lines(1, 2), 0, &place{0, 1}},
		"another record in a later batch": {lines(0, 5), lines(0, 4) + lines(7, 8), 4, &place{4, 5}},
		"longer":                          {lines(0, 3), lines(0, 4), 2, &place{2, 3}},
		"shorter":                         {lines(0, 4), lines(0, 3), 2, &place{2, 3}},
		"longer by a batch":               {lines(0, 2), lines(0, 4), 0, &place{0, 1}},
		"shorter by a batch":              {lines(0, 4), lines(0, 2), 0, &place{0, 1}},
		"a record more in front":          {lines(0, 4), lines(9, 10) + lines(0, 4), 0, &place{0, 1}},
	} {
		t.Run(name, func(t *testing.T) {
			store := newKeyStore()
			r := start(t, store, smallBatches)
			require.Equal(t, http.StatusOK, r.post(t, "/v1/json", c.first, "Idempotency-Key", "k").status)
			before := fmt.Sprint(store.bodies)

			answer := r.post(t, "/v1/json", c.second, "Idempotency-Key", "k")
			require.Equal(t, http.StatusUnprocessableEntity, answer.status, answer.body)
			report := answer.report(t)
			require.Equal(t, c.accepted, report.Accepted)
			require.Equal(t, "idempotency_key_reused", report.Error.Code)
			require.Contains(t, report.Error.Message, "send it with a key of its own")
			require.Equal(t, c.from, report.Retry)
			require.Equal(t, c.accepted > 0, strings.Contains(report.Hint, "with a new Idempotency-Key"))
			require.Equal(t, before, fmt.Sprint(store.bodies), "nothing of it may be stored under a key that no retry would find")

			// What the answer asks for stores all that is new.
			rest := strings.SplitAfterN(c.second, "\n", report.Retry.Line)[report.Retry.Line-1]
			require.Equal(t, http.StatusOK, r.post(t, "/v1/json", rest, "Idempotency-Key", "new").status)
		})
	}
}

func TestARetryIsKnownHoweverItIsSent(t *testing.T) {
	store := newKeyStore()
	r := start(t, store, smallBatches)
	body := lines(0, 3) + "bad\n" + lines(3, 5)
	first := r.post(t, "/v1/json", body, "Idempotency-Key", "k")
	require.Equal(t, http.StatusOK, first.status)

	require.Equal(t, first, withoutDate(r.post(t, "/v1/json", body, "Idempotency-Key", "k"), first), "these records have no time but that of arrival")
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	_, err := w.Write([]byte(body))
	require.NoError(t, err)
	require.NoError(t, w.Close())
	answer := r.do(t, http.MethodPost, "/v1/json", &packed, "Content-Encoding", "gzip", "Idempotency-Key", "k")
	require.Equal(t, http.StatusOK, answer.status, answer.body)
	require.Equal(t, http.StatusOK, r.post(t, "/v1/json", "["+strings.Join(strings.Fields(lines(0, 5)), ", ")+"]", "Idempotency-Key", "k").status)
	require.Equal(t, map[string][]string{"k": {"0", "1"}, "k#2": {"2", "3"}, "k#3": {"4"}}, store.bodies)
}

// withoutDate is the answer with the header of another.
func withoutDate(r, other response) response {
	r.header = other.header
	return r
}

func TestEveryProtocolRefusesAKeyWithAnotherBody(t *testing.T) {
	bulk := func(texts ...string) (body string) {
		for _, text := range texts {
			body += "{\"create\":{}}\n{\"message\":\"" + text + "\"}\n"
		}
		return body
	}
	for name, c := range map[string]struct{ path, first, second, other string }{
		"jsonline":  {"/insert/jsonline", `{"_msg":"a"}`, `{"_msg":"b"}`, "/insert/jsonline?_time_field=t"},
		"loki":      {"/loki/api/v1/push", lokiBody("a"), lokiBody("b"), ""},
		"bulk":      {"/_bulk", bulk("a", "b", "c", "d"), bulk("a", "b", "c", "e"), "/other/_bulk"},
		"hec event": {"/services/collector/event", `{"event":"a"}`, `{"event":"b"}`, ""},
		"hec raw":   {"/services/collector/raw", "a\nb\nc", "a\nb", "/services/collector/raw?host=other"},
	} {
		t.Run(name, func(t *testing.T) {
			store := newKeyStore()
			r := start(t, store, smallBatches)
			require.Less(t, r.post(t, c.path, c.first, "Idempotency-Key", "k").status, 300)
			before := fmt.Sprint(store.bodies)
			require.Less(t, r.post(t, c.path, c.first, "Idempotency-Key", "k").status, 300, "a retry")
			answer := r.post(t, c.path, c.second, "Idempotency-Key", "k")
			require.Equal(t, http.StatusUnprocessableEntity, answer.status, answer.body)
			require.Contains(t, answer.body, "send it with a key of its own")
			if c.other != "" {
				require.Equal(t, http.StatusUnprocessableEntity, r.post(t, c.other, c.first, "Idempotency-Key", "k").status,
					"the same lines mean something else there")
			}
			require.Equal(t, before, fmt.Sprint(store.bodies))
		})
	}
}

func lokiBody(text string) string {
	return `{"streams":[{"stream":{"a":"b"},"values":[["1760000000000000000","` + text + `"]]}]}`
}

func TestBulkItemsAreToldApartWhenAFullBatchWaitsForTheNext(t *testing.T) {
	p := &pipeline{refuse: func(call int) error {
		if call == 2 {
			return overloaded(t, 8, 0)
		}
		return nil
	}}
	r := start(t, p, smallBatches)
	var body strings.Builder
	for i := range 5 {
		fmt.Fprintf(&body, "{\"create\":{}}\n{\"message\":\"%d\"}\n", i)
	}
	answer := r.post(t, "/_bulk", body.String(), "Idempotency-Key", "k")
	var statuses []int
	for _, item := range answer.bulk(t).Items {
		statuses = append(statuses, item["create"].Status)
	}
	require.Equal(t, []int{201, 201, 429, 429, 429}, statuses)
	require.Equal(t, [][]string{{"0", "1"}}, p.stored)
}
