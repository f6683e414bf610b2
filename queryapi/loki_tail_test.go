package queryapi

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/require"
)

// lokiTailing is a tail over a WebSocket.
type lokiTailing struct {
	t    *testing.T
	conn *websocket.Conn
}

func (a *testAPI) lokiTail(t *testing.T, pairs ...string) *lokiTailing {
	t.Helper()
	address := "ws" + strings.TrimPrefix(a.url, "http") + "/loki/api/v1/tail?" + query(pairs...).Encode()
	conn, response, err := websocket.Dial(t.Context(), address, nil)
	require.NoError(t, err)
	require.Equal(t, http.StatusSwitchingProtocols, response.StatusCode)
	conn.SetReadLimit(64 << 20)
	t.Cleanup(func() { _ = conn.CloseNow() })
	return &lokiTailing{t, conn}
}

type lokiFrame struct {
	Streams []struct {
		Stream map[string]string
		Values [][]json.RawMessage
	}
	Dropped       []struct{ Labels map[string]string } `json:"dropped_entries"`
	EncodingFlags []string
}

func (l *lokiTailing) frame() lokiFrame {
	l.t.Helper()
	ctx, cancel := context.WithTimeout(l.t.Context(), 20*time.Second)
	defer cancel()
	_, message, err := l.conn.Read(ctx)
	require.NoError(l.t, err)
	var f lokiFrame
	require.NoError(l.t, json.Unmarshal(message, &f), string(message))
	return f
}

// lines reads frames until so many lines have come.
func (l *lokiTailing) lines(n int) (lines []string, lastTime string) {
	l.t.Helper()
	for len(lines) < n {
		for _, s := range l.frame().Streams {
			for _, value := range s.Values {
				var line string
				require.NoError(l.t, json.Unmarshal(value[1], &line))
				require.NoError(l.t, json.Unmarshal(value[0], &lastTime))
				lines = append(lines, line)
			}
		}
	}
	return lines, lastTime
}

// numbered are entries of a service that are logged now, with bodies "from" … "from+n-1".
func numbered(from, n int, body string) []entry {
	entries := make([]entry, n)
	ago := time.Since(base) - time.Minute
	for i := range entries {
		entries[i] = entry{
			service: "tailed", at: (ago + time.Duration(from+i)*time.Millisecond).Seconds(), severity: 9,
			body: fmt.Sprintf("line %d of %d%s", from+i, (from+i)%3, body),
		}
	}
	return entries
}

func TestLokiTailGivesWhatSearchFinds(t *testing.T) {
	for store, start := range map[string]func(*testing.T) *testAPI{
		"duckdb":   func(t *testing.T) *testAPI { return newTestAPI(t) },
		"postgres": func(t *testing.T) *testAPI { return newPostgresAPI(t) },
	} {
		t.Run(store, func(t *testing.T) {
			api := start(t)
			const selector = `{service_name="tailed"} |= "of 1" | line_format "{{__line__}}!"`
			api.write("", logsOf(numbered(0, 30, "")...))
			tail := api.lokiTail(t, "query", selector, "limit", "4")
			first, _ := tail.lines(4)
			require.Equal(t, []string{"line 19 of 1!", "line 22 of 1!", "line 25 of 1!", "line 28 of 1!"}, first)

			var want []string
			for i := 30; i < 330; i += 30 {
				api.write("", logsOf(numbered(i, 30, "")...))
				api.write("someone else", logsOf(numbered(i, 30, "")...))
			}
			for i := 31; i < 330; i += 3 {
				want = append(want, fmt.Sprintf("line %d of 1!", i))
			}
			got, last := tail.lines(len(want))
			require.Equal(t, want, got)
			require.NoError(t, tail.conn.Close(websocket.StatusNormalClosure, ""))

			// while nobody listens more comes; the next tail goes on behind the last that was seen
			api.write("", logsOf(numbered(330, 30, "")...))
			ns, err := strconv.ParseInt(last, 10, 64)
			require.NoError(t, err)
			tail = api.lokiTail(t, "query", selector, "limit", "5000", "start", strconv.FormatInt(ns+1, 10))
			api.write("", logsOf(numbered(360, 3, "")...))
			want = want[:0]
			for i := 331; i < 363; i += 3 {
				want = append(want, fmt.Sprintf("line %d of 1!", i))
			}
			got, _ = tail.lines(len(want))
			require.Equal(t, want, got)
		})
	}
}

func TestLokiTailTellsLabelsApart(t *testing.T) {
	api := newTestAPI(t)
	tail := api.lokiTail(t, "query", `{service_name="tailed"} | pattern "line <n> of <m>"`)
	address := "ws" + strings.TrimPrefix(api.url, "http") + "/loki/api/v1/tail?" + query("query", `{} | pattern "line <n> of <m>"`).Encode()
	conn, _, err := websocket.Dial(t.Context(), address, &websocket.DialOptions{
		HTTPHeader: http.Header{"X-Loki-Response-Encoding-Flags": {"categorize-labels"}},
	})
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.CloseNow() })
	api.write("", logsOf(numbered(7, 1, "")...))

	merged := tail.frame().Streams[0]
	require.Equal(t, map[string]string{
		"service_name": "tailed", "host_name": "tailed-1", "n": "7", "m": "1", "severity_number": "9", "detected_level": "info",
	}, merged.Stream)
	require.Len(t, merged.Values[0], 2)

	apart := (&lokiTailing{t, conn}).frame()
	require.Equal(t, []string{"categorize-labels"}, apart.EncodingFlags)
	require.Equal(t, map[string]string{"service_name": "tailed", "host_name": "tailed-1"}, apart.Streams[0].Stream)
	require.JSONEq(t, `{"structuredMetadata":{"severity_number":"9","detected_level":"info"},"parsed":{"n":"7","m":"1"}}`,
		string(apart.Streams[0].Values[0][2]))
}

func TestLokiTailHoldsEntriesBackAndPutsThemInOrder(t *testing.T) {
	api := newTestAPI(t)
	tail := api.lokiTail(t, "query", `{}`, "delay_for", "1")
	begun := time.Now()
	entries := numbered(1, 2, "")
	api.write("", logsOf(entries[1]))
	api.write("", logsOf(entries[0]))
	got, _ := tail.lines(2)
	require.Equal(t, []string{"line 1 of 1", "line 2 of 2"}, got)
	require.GreaterOrEqual(t, time.Since(begun), time.Second)
}

// TestLokiTailLeavesOutWhatASlowReaderCannotTake sends far more than the connection and the feed hold to a reader that does
// not read, and then reads: some entries come, those that don't are announced.
func TestLokiTailLeavesOutWhatASlowReaderCannotTake(t *testing.T) {
	api := newTestAPI(t, func(c *Config) { c.Limits.MaxTailLag = time.Millisecond })
	tail := api.lokiTail(t, "query", `{service_name="tailed"}`)
	body := strings.Repeat("x", 64<<10)
	for i := range 8 {
		api.write("", logsOf(numbered(i*100, 100, body)...))
	}
	api.write("", logsOf(entry{service: "tailed", at: (time.Since(base) - time.Minute).Seconds(), body: "the last"}))
	lines, dropped := 0, 0
	for dropped == 0 {
		f := tail.frame()
		for _, s := range f.Streams {
			lines += len(s.Values)
		}
		dropped += len(f.Dropped)
		for _, d := range f.Dropped {
			require.Equal(t, "tailed", d.Labels["service_name"])
		}
	}
	require.Less(t, lines, 801)
	require.Positive(t, lines)
}

func TestLokiTailIsRefusedInWords(t *testing.T) {
	api := newTestAPI(t, func(c *Config) { c.Limits.MaxTails = 1 })
	for path, status := range map[string]int{
		"?query=" + "%7B":           http.StatusBadRequest,
		"?query=rate(%7B%7D[1m])":   http.StatusBadRequest,
		"?query=%7B%7D&delay_for=9": http.StatusBadRequest,
		"?query=%7B%7D":             http.StatusUpgradeRequired,
	} {
		response, err := http.Get(api.url + "/loki/api/v1/tail" + path)
		require.NoError(t, err)
		require.NoError(t, response.Body.Close())
		require.Equal(t, status, response.StatusCode, path)
	}
	address := "ws" + strings.TrimPrefix(api.url, "http") + "/loki/api/v1/tail?query=%7B%7D"
	_, response, err := websocket.Dial(t.Context(), address, &websocket.DialOptions{HTTPHeader: http.Header{"Origin": {"https://elsewhere.example"}}})
	require.Error(t, err)
	require.Equal(t, http.StatusForbidden, response.StatusCode)

	api.lokiTail(t, "query", "{}")
	_, response, err = websocket.Dial(t.Context(), address, nil)
	require.Error(t, err)
	require.Equal(t, http.StatusTooManyRequests, response.StatusCode)
}

func TestLokiTailEndsWithTheServer(t *testing.T) {
	api := newTestAPI(t)
	tail := api.lokiTail(t, "query", "{}")
	ended := make(chan error, 1)
	go func() {
		_, _, err := tail.conn.Read(t.Context())
		ended <- err
	}()
	require.NoError(t, api.ext.Shutdown(t.Context()))
	require.Equal(t, websocket.StatusGoingAway, websocket.CloseStatus(<-ended))
}
