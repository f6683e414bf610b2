package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/plog/plogotlp"
)

// levelled are lines by the level that every door must give them.
var levelled = map[string][]string{
	"error":   {`{"msg":"ERROR: text"}`, `{"msg":"field","level":"error"}`, `{"msg":"2026-11-24T10:00:00Z ERROR timed"}`},
	"warn":    {`{"msg":"[warn] text"}`, `{"msg":"field","level":"WARNING"}`},
	"info":    {`{"msg":"INFO text"}`},
	"unknown": {`{"msg":"error rate is 0"}`},
}

// words are levels as loggers write them: a JSON level, the text of a message and OTLP's severity text mean the same.
var words = []string{
	"trace", "verbose", "finer", "debug", "fine", "info", "notice", "warn", "warning", "error", "err", "severe", "crit", "alert", "panic", "fatal",
	"critical", "emerg", "emergency",
}

func requireLevelsAgree(t *testing.T, d *devlogs, stored func()) {
	t.Helper()
	var lines strings.Builder
	want := map[string]int{}
	for level, list := range levelled {
		for _, line := range list {
			fmt.Fprintln(&lines, strings.TrimSuffix(line, "}")+`,"service":"levels"}`)
			want[level]++
		}
	}
	for _, word := range words {
		fmt.Fprintf(&lines, `{"msg":"field","level":%q,"service":"words-json"}`+"\n", word)
	}
	require.NoError(t, acknowledged(post(t.Context(), "http://"+d.json, "application/x-ndjson", []byte(lines.String()))))
	logs := plog.NewLogs()
	rl := logs.ResourceLogs().AppendEmpty()
	rl.Resource().Attributes().PutStr("service.name", "words-otlp")
	records := rl.ScopeLogs().AppendEmpty().LogRecords()
	for i, word := range append([]string{""}, words...) {
		record := records.AppendEmpty()
		record.SetTimestamp(pcommon.NewTimestampFromTime(began) + pcommon.Timestamp(i))
		record.SetSeverityText(word)
		record.Body().SetStr("ERROR: the text of an OTLP record is not looked at")
	}
	body, err := plogotlp.NewExportRequestFromLogs(logs).MarshalProto()
	require.NoError(t, err)
	require.NoError(t, acknowledged(post(t.Context(), "http://"+d.otlpHTTP+"/v1/logs", "application/x-protobuf", body)))
	stored()

	count := func(args ...string) int {
		out, err := d.command(append([]string{"query", "--since", "1h", "--limit", "0", "-o", "json", "--service", "levels"}, args...)...)
		require.NoError(t, err, out)
		return strings.Count(out, "\n")
	}
	require.Equal(t, want["error"], count("--level", "error"))
	require.Equal(t, want["error"]+want["warn"], count("--level", "warn"))
	for level, n := range want {
		require.Equal(t, n, count(fmt.Sprintf(`{detected_level=%q}`, level)), level)
	}
	require.Equal(t, want, d.byLevel("/api/v1/histogram?since=1h&by=level&service=levels"))
	require.Equal(t, want, d.byLevel("/api/v1/facets?since=1h&field=level&service=levels"))

	meant := func(service string) map[string]int {
		return d.byLevel("/api/v1/histogram?since=1h&by=level&service=" + service)
	}
	inText := meant("words-json")
	require.Equal(t, len(words), sum(inText))
	inText["unknown"]++ // the OTLP record without a severity
	require.Equal(t, inText, meant("words-otlp"))
}

func sum(counts map[string]int) (n int) {
	for _, c := range counts {
		n += c
	}
	return n
}

// byLevel reads the counts of a histogram's series or of the first facet's values.
func (d *devlogs) byLevel(path string) map[string]int {
	d.t.Helper()
	request, err := http.NewRequestWithContext(d.t.Context(), http.MethodGet, "http://"+d.query+path, nil)
	require.NoError(d.t, err)
	a, err := do(request)
	require.NoError(d.t, err)
	require.Equal(d.t, http.StatusOK, a.status, a.body)
	type value struct {
		Value string `json:"value"`
		Count int    `json:"count"`
	}
	var answer struct {
		Series []value `json:"series"`
		Facets []struct {
			Values []value `json:"values"`
		} `json:"facets"`
	}
	require.NoError(d.t, json.Unmarshal([]byte(a.body), &answer), a.body)
	values := answer.Series
	if len(answer.Facets) > 0 {
		values = answer.Facets[0].Values
	}
	counts := map[string]int{}
	for _, v := range values {
		counts[v.Value] = v.Count
	}
	return counts
}

func TestALevelIsTheSameAtEveryDoor(t *testing.T) {
	d := start(t)
	requireLevelsAgree(t, d, func() {})
}

func TestInProductionALevelIsTheSameAtEveryDoor(t *testing.T) {
	d := newProduction(t).start("production")
	requireLevelsAgree(t, d.devlogs, d.drained)
}
