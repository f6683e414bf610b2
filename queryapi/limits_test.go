package queryapi

import (
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/instantdevlogs/devlogs/storage"
)

// answerOf asks a server that serveReader started.
func answerOf(t *testing.T, url string) (status int, retryAfter string, e apiError) {
	t.Helper()
	response, err := http.Get(url)
	require.NoError(t, err)
	defer response.Body.Close()
	var body struct{ Error apiError }
	require.NoError(t, json.NewDecoder(response.Body).Decode(&body))
	return response.StatusCode, response.Header.Get("Retry-After"), body.Error
}

func TestQueryTimeoutNamesItsSetting(t *testing.T) {
	reader := waitingReader{started: make(chan struct{}, 1), ended: make(chan struct{}, 1)}
	address := serveReader(t, reader, func(c *Config) { c.Limits.QueryTimeout = 20 * time.Millisecond })
	status, _, e := answerOf(t, address+"/api/v1/logs")
	require.Equal(t, http.StatusGatewayTimeout, status)
	require.Equal(t, "timeout", e.Code)
	require.Equal(t, "query_timeout", e.Setting)
	require.Contains(t, e.Hint, "limits::query_timeout")
}

func TestExportHasATimeoutOfItsOwn(t *testing.T) {
	reader := waitingReader{started: make(chan struct{}, 1), ended: make(chan struct{}, 1)}
	address := serveReader(t, reader, func(c *Config) {
		c.Limits.QueryTimeout, c.Limits.ExportTimeout = time.Millisecond, 50*time.Millisecond
	})
	status, _, e := answerOf(t, address+"/api/v1/logs?format=ndjson")
	require.Equal(t, http.StatusGatewayTimeout, status)
	require.Equal(t, "export_timeout", e.Setting)
}

func TestQueriesBeyondTheConcurrentOnesWaitAndAreThenRefused(t *testing.T) {
	reader := waitingReader{started: make(chan struct{}), ended: make(chan struct{}, 1)}
	address := serveReader(t, reader, func(c *Config) {
		c.Limits.MaxConcurrentQueries, c.Limits.MaxWait, c.Limits.QueryTimeout = 1, 10*time.Millisecond, 2*time.Second
	})
	first := make(chan int, 1)
	go func() {
		response, err := http.Get(address + "/api/v1/logs")
		if err == nil {
			_ = response.Body.Close()
			first <- response.StatusCode
		}
	}()
	<-reader.started
	status, retryAfter, e := answerOf(t, address+"/api/v1/services")
	require.Equal(t, http.StatusTooManyRequests, status)
	require.Equal(t, "1", retryAfter)
	require.Equal(t, "max_concurrent_queries", e.Setting)
	require.Equal(t, http.StatusGatewayTimeout, <-first)
}

func TestErrorsOfTheStoreKeepTheirMeaning(t *testing.T) {
	for _, test := range []struct {
		err    error
		status int
		code   string
	}{
		{storage.ErrNotFound, 404, codeNotFound},
		{&storage.MemoryError{Setting: "memory_limit_mib", MiB: 128}, 422, codeLimitExceeded},
		{&storage.UnavailableError{Reason: "the disk is full", RetryAfter: 5 * time.Second}, 503, codeUnavailable},
	} {
		e := apiErrorOf(t.Context(), test.err)
		require.Equal(t, test.status, e.status())
		require.Equal(t, test.code, e.Code)
	}
}

func TestEveryErrorCodeHasAStatus(t *testing.T) {
	require.Len(t, statuses, 10)
	for code, status := range statuses {
		require.GreaterOrEqual(t, status, 400, code)
	}
}
