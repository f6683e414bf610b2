package e2e

import (
	"net/http"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var senders = map[string]sender{
	"OTLP gRPC":          sendOTLPGRPC,
	"OTLP HTTP protobuf": sendOTLPProtobuf,
	"OTLP HTTP JSON":     sendOTLPJSON,
	"JSON lines":         sendJSON,
}

func TestLogsComeBackFromTheAPIAndTheCommandAlsoAfterKill(t *testing.T) {
	d := start(t)
	sent := map[string]int{}
	for name, send := range senders {
		name = strings.ReplaceAll(name, " ", "-")
		mustSend(t, d, send, name, 2)
		sent[name] = 2
	}
	look := func() {
		account(t, d, sent)
		for _, one := range d.records() {
			require.Equal(t, "warn", one.Level)
			require.Equal(t, "e2e", one.Service)
			require.Contains(t, one.Attributes, "n")
		}
		out, err := d.command("query", "--since", "1h", "--limit", "0")
		require.NoError(t, err, out)
		for name := range sent {
			require.Contains(t, out, name+"/0")
			require.Contains(t, out, name+"/1")
		}
	}
	look()
	d.kill()
	d.run()
	look()
}

func TestTheAnnouncedCommandsWork(t *testing.T) {
	d := start(t)
	curl := regexp.MustCompile(`(?m)^  (curl .*-d .*)$`).FindStringSubmatch(d.announce)
	require.Len(t, curl, 2, d.announce)
	out, err := exec.CommandContext(t.Context(), "sh", "-c", curl[1]).CombinedOutput()
	require.NoError(t, err, string(out))
	require.Equal(t, map[string]int{"hello": 1}, d.counts())

	query := regexp.MustCompile(`(?m)^  (?:(\S+=\S+) )?\S*devlogs (query .*)$`).FindStringSubmatch(d.announce)
	require.Len(t, query, 3, d.announce)
	out, err = exec.CommandContext(t.Context(), "sh", "-c", query[1]+" "+binary+" "+query[2]).CombinedOutput()
	require.NoError(t, err, string(out))
	require.Contains(t, string(out), "hello")

	look := regexp.MustCompile(`(?m)^  (curl '.*)$`).FindStringSubmatch(d.announce)
	require.Len(t, look, 2, d.announce)
	out, err = exec.CommandContext(t.Context(), "sh", "-c", look[1]).CombinedOutput()
	require.NoError(t, err, string(out))
	require.Contains(t, string(out), "hello")
}

func TestTwoCopiesRunSideBySide(t *testing.T) {
	one, two := start(t), start(t)
	mustSend(t, one, sendJSON, "one", 1)
	mustSend(t, two, sendOTLPProtobuf, "two", 1)
	require.Equal(t, map[string]int{"one/0": 1}, one.counts())
	require.Equal(t, map[string]int{"two/0": 1}, two.counts())
}

func TestCtrlCStopsInOrderAndKeepsEverything(t *testing.T) {
	d := start(t)
	mustSend(t, d, sendJSON, "kept", 3)
	require.Zero(t, d.stop())
	require.Empty(t, d.stderr.String(), "a stop in order is no news")
	d.run()
	account(t, d, map[string]int{"kept": 3})
}

func TestTenantsAreKeptApart(t *testing.T) {
	d := start(t)
	a, err := post(t.Context(), "http://"+d.json, "application/json", []byte(`{"message":"blue"}`), "X-Scope-OrgID", "blue")
	require.NoError(t, acknowledged(a, err))
	require.Empty(t, d.counts(), "the tenant without a name sees nothing of it")
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+d.query+"/api/v1/logs", nil)
	require.NoError(t, err)
	request.Header.Set("X-Scope-OrgID", "blue")
	a, err = do(request)
	require.NoError(t, acknowledged(a, err))
	require.Contains(t, a.body, `"blue"`)
}
