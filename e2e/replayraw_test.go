package e2e

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/stretchr/testify/require"
)

// taken is a request as a server saw it.
type taken struct{ method, uri, contentType, encoding, tenant, body string }

type taker struct {
	mu  sync.Mutex
	all []taken
}

func (s *taker) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all = append(s.all, taken{r.Method, r.RequestURI, r.Header.Get("Content-Type"), r.Header.Get("Content-Encoding"), r.Header.Get("X-Scope-OrgID"), string(body)})
}

func (s *taker) take() []taken {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := s.all
	s.all = nil
	return all
}

// What came as JSON lines, as a bulk request, compressed, or as nothing that anybody knows, is recorded with --http-raw and
// played again byte for byte, to the same path with the same headers.
func TestRawTrafficIsPlayedAgainByteForByte(t *testing.T) {
	d := newCopy(t) // for its commands only
	upstream := &taker{}
	server := httptest.NewServer(upstream)
	defer server.Close()
	port := freePorts(t, 1)[0]
	rec := filepath.Join(t.TempDir(), "rec")
	tap := inBackground(t, "replay", "record", "--listen", port, "--to", server.URL, "--http-raw", "-o", rec)
	tap.says("Ctrl-C ends it")

	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	_, err := z.Write([]byte("{\"msg\":\"packed\"}\n"))
	require.NoError(t, err)
	require.NoError(t, z.Close())
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	for _, c := range []taken{
		{"POST", "/v1/json?source=a%20b&dry=1", "application/x-ndjson; charset=utf-8", "", "acme", "{\"msg\":\"one\"}\r\n{\"msg\":\"zwei ü\"}\n\n"},
		{"POST", "/_bulk", "application/x-ndjson", "gzip", "", packed.String()},
		{"PUT", "/loki/api/v1/push", "application/json", "", "tenant-2", `{"streams":[]}`},
		{"POST", "/any/thing", "application/octet-stream", "", "", "\x00\xff\xfe not text \x01"},
		{"POST", "/empty", "text/plain", "", "", ""},
	} {
		request, err := http.NewRequestWithContext(t.Context(), c.method, "http://"+port+c.uri, strings.NewReader(c.body))
		require.NoError(t, err)
		for name, value := range map[string]string{"Content-Type": c.contentType, "Content-Encoding": c.encoding, "X-Scope-OrgID": c.tenant} {
			if value != "" {
				request.Header.Set(name, value)
			}
		}
		answer, err := client.Do(request)
		require.NoError(t, err)
		require.NoError(t, answer.Body.Close())
		require.Equal(t, http.StatusOK, answer.StatusCode)
	}
	tap.interrupt()
	code, said := tap.ended()
	require.Zero(t, code, said)
	first := upstream.take()
	require.Len(t, first, 5)

	out, err := d.command("replay", "play", rec, "--to", server.URL, "--pace", "asap", "--workers", "1")
	require.NoError(t, err, out)
	require.Equal(t, first, upstream.take())
}
