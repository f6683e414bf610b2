package play

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestTheProgressLineSaysWhatIsTriedAgainAndWhy(t *testing.T) {
	var out strings.Builder
	r := &run{config: Config{Progress: &out}, stats: newStats(), feed: &feed{}, started: time.Now().Add(-42 * time.Second)}
	r.printProgress(tally{})
	require.NotContains(t, out.String(), "again")
	r.stats.retry(true, 12*time.Second, "HTTP 503 busy")
	r.stats.retry(true, 20*time.Second, "dial: connection refused")
	r.stats.retry(false, 21*time.Second, "dial: connection refused")
	r.printProgress(tally{})
	require.Contains(t, out.String(), "trying 2 requests again, for 30s by now: dial: connection refused")
	r.stats.retried()
	r.stats.retried()
	out.Reset()
	r.printProgress(tally{})
	require.NotContains(t, out.String(), "again")
}
