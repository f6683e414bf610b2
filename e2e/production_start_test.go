package e2e

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/instantdevlogs/devlogs/internal/testservices"
)

// Compose and Kubernetes start everything at once: no process may depend on the database being up first.
func TestEveryTierStartsWhileTheDatabaseIsDownAndGoesOnWhenItIsUp(t *testing.T) {
	server := testservices.PrivatePostgres(t)
	p := newProduction(t)
	p.dsn = server.Database(t).DSN
	server.Stop(t)
	all, query, worker := p.start("production"), p.start("query"), p.start("worker")
	for i, to := range []sender{sendOTLPProtobuf, sendOTLPGRPC, sendJSON} {
		mustSend(t, all.devlogs, to, []string{"a", "b", "c"}[i], 10)
	}
	for _, m := range []*member{all, query} {
		for _, path := range []string{"/readyz", "/api/v1/logs", "/api/v1/stats", "/loki/api/v1/labels"} {
			response, err := http.Get("http://" + m.query + path)
			require.NoError(t, err)
			require.NoError(t, response.Body.Close())
			require.Equal(t, http.StatusServiceUnavailable, response.StatusCode, path)
			require.NotEmpty(t, response.Header.Get("Retry-After"), path)
		}
		require.NoError(t, m.ping("http://"+m.query+"/healthz"))
	}
	status := all.queueStatus()
	require.Equal(t, 3, status.Batches)

	server.Start(t)
	all.drained()
	for _, m := range []*member{all, query} {
		m.until("the query server is ready", func() bool { return m.ping("http://"+m.query+"/readyz") == nil })
		account(t, m.devlogs, map[string]int{"a": 10, "b": 10, "c": 10})
	}
	for _, m := range []*member{all, query, worker} {
		require.Zero(t, m.stop())
	}
}
