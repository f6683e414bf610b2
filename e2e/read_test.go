package e2e

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// record is what tests look at of what the query API gives.
type record struct {
	ID         string         `json:"id"`
	Body       any            `json:"body"`
	Level      string         `json:"level"`
	Service    string         `json:"service"`
	Attributes map[string]any `json:"attributes"`
}

// exports takes as long as a busy machine needs.
var exports = &http.Client{Transport: client.Transport}

// records exports everything that a copy has stored.
func (d *devlogs) records() []record {
	d.t.Helper()
	request, err := http.NewRequestWithContext(d.t.Context(), http.MethodGet,
		"http://"+d.query+"/api/v1/logs?format=ndjson&start=1970-01-01T00:00:00Z&end=2100-01-01T00:00:00Z", nil)
	require.NoError(d.t, err)
	response, err := exports.Do(request)
	require.NoError(d.t, err)
	defer response.Body.Close()
	require.Equal(d.t, http.StatusOK, response.StatusCode)
	var all []record
	lines := bufio.NewScanner(response.Body)
	lines.Buffer(nil, 64<<20)
	for lines.Scan() {
		var one record
		require.NoError(d.t, json.Unmarshal(lines.Bytes(), &one), "line %d: %.200s", len(all), lines.Text())
		require.NotEmpty(d.t, one.ID, "line %d: %.200s", len(all), lines.Text())
		all = append(all, one)
	}
	require.NoError(d.t, lines.Err())
	return all
}

// counts tells how often each body is stored.
func (d *devlogs) counts() map[string]int {
	d.t.Helper()
	counts := map[string]int{}
	for _, one := range d.records() {
		counts[fmt.Sprint(one.Body)]++
	}
	return counts
}

// account compares record by record what was sent with what is stored: each batch of sent once, and nothing else.
func account(t *testing.T, d *devlogs, sent map[string]int) {
	t.Helper()
	counts := d.counts()
	missing, repeated := 0, 0
	for name, records := range sent {
		for i := range records {
			body := fmt.Sprintf("%s/%d", name, i)
			switch n := counts[body]; {
			case n == 0:
				if missing++; missing <= 5 {
					assert.Fail(t, "lost", "%s was acknowledged and is not stored", body)
				}
			case n > 1:
				if repeated++; repeated <= 5 {
					assert.Fail(t, "repeated", "%s is stored %d times", body, n)
				}
			}
			delete(counts, body)
		}
	}
	unknown := make([]string, 0, 5)
	for body := range counts {
		if len(unknown) < 5 {
			unknown = append(unknown, body)
		}
	}
	require.Empty(t, strings.Join(unknown, " "), "stored but never sent: %d records", len(counts))
	require.Zero(t, missing, "records lost")
	require.Zero(t, repeated, "records stored more than once")
}
