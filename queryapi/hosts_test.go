package queryapi

import (
	"encoding/json"
	"net"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestOnLoopbackOnlyLocalAndAllowedHostsAreAnswered(t *testing.T) {
	api := newTestAPI(t, func(c *Config) { c.AllowedHosts = []string{"Logs.example"} })
	ask := func(host, path string) (int, apiError) {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, api.url+path, nil)
		require.NoError(t, err)
		request.Host = host
		response, err := http.DefaultClient.Do(request)
		require.NoError(t, err)
		defer response.Body.Close()
		var body struct{ Error apiError }
		if response.StatusCode != http.StatusOK {
			require.NoError(t, json.NewDecoder(response.Body).Decode(&body))
		}
		return response.StatusCode, body.Error
	}
	for _, host := range []string{"localhost", "LOCALHOST:3100", "localhost.", "127.0.0.1:1", "127.1.2.3", "[::1]:3100", "[::1]", "logs.example", "logs.example:443"} {
		status, _ := ask(host, "/api/v1/logs")
		assert.Equal(t, http.StatusOK, status, host)
	}
	for _, host := range []string{"evil.example", "evil.example:3100", "localhost.evil.example", "127.0.0.1.evil.example", "10.0.0.1", "0.0.0.0"} {
		for _, path := range []string{"/api/v1/logs", "/api/v1/logs/tail", "/loki/api/v1/tail", "/metrics"} {
			status, e := ask(host, path)
			assert.Equal(t, http.StatusForbidden, status, "%s %s", host, path)
			assert.Equal(t, "forbidden", e.Code)
			assert.Equal(t, "allowed_hosts", e.Setting)
			assert.Contains(t, e.Hint, "allowed_hosts of query_api")
		}
	}
}

func TestOnlyLoopbackIsLocal(t *testing.T) {
	for address, want := range map[string]bool{"127.0.0.1": true, "::1": true, "0.0.0.0": false, "::": false, "192.0.2.1": false} {
		require.Equal(t, want, listensLocally(&net.TCPAddr{IP: net.ParseIP(address)}), address)
	}
	require.False(t, listensLocally(&net.UnixAddr{}))
}
