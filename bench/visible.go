package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

const (
	visibleEvery = 100 * time.Millisecond // a marker each
	visiblePoll  = 5 * time.Millisecond
	visibleLimit = 30 * time.Second

	// storedPoll is how often the store is asked how much it has: its answer costs the database a look at every chunk, which
	// is load that nobody else makes.
	storedPoll = 100 * time.Millisecond
)

// measureVisible sends a marker record over JSON at a fixed pace until ctx ends and measures, for each, the time from its
// 2xx to the first query that finds it. What the poll adds (its interval and one query) is in the numbers.
func measureVisible(ctx context.Context, s *server) (*hdrhistogram.Histogram, error) {
	latencies := hdrhistogram.New(1, int64(visibleLimit/time.Microsecond), 3)
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 1}}
	defer client.CloseIdleConnections()
	tick := time.NewTicker(visibleEvery)
	defer tick.Stop()
	for i := 0; ; i++ {
		select {
		case <-ctx.Done():
			return latencies, nil
		case <-tick.C:
		}
		marker := "marker-" + strconv.Itoa(i) + "-" + strconv.FormatInt(time.Now().UnixNano(), 36)
		line := fmt.Sprintf(`{"timestamp":%d,"level":"INFO","service":"bench-visible","message":%q}`, time.Now().UnixNano(), marker)
		if _, err := post(ctx, client, s.jsonURL, "application/json", []byte(line)); err != nil {
			if ctx.Err() != nil {
				return latencies, nil
			}
			return nil, err
		}
		accepted := time.Now()
		if err := waitVisible(ctx, client, s.queryURL, marker); err != nil {
			if ctx.Err() != nil {
				return latencies, nil
			}
			return nil, err
		}
		if err := latencies.RecordValue(int64(time.Since(accepted) / time.Microsecond)); err != nil {
			return nil, fmt.Errorf("marker %s was visible only after %v", marker, time.Since(accepted))
		}
	}
}

func waitVisible(ctx context.Context, client *http.Client, queryURL, marker string) error {
	target := queryURL + "/api/v1/logs?" + url.Values{
		"service": {"bench-visible"}, "q": {marker}, "since": {"5m"}, "limit": {"1"},
	}.Encode()
	for {
		var page struct {
			Logs []json.RawMessage `json:"logs"`
		}
		body, err := get(ctx, client, target)
		if err != nil {
			return err
		}
		if err := json.Unmarshal(body, &page); err != nil {
			return fmt.Errorf("read the answer of %s: %w", target, err)
		}
		if len(page.Logs) > 0 {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(visiblePoll):
		}
	}
}

// waitStored waits until the store has so many records, which with a queue comes after the last 2xx, and gives its bytes.
func waitStored(ctx context.Context, queryURL string, records int) (bytes int64, _ error) {
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 1}}
	defer client.CloseIdleConnections()
	for {
		var stats struct {
			Records int   `json:"records"`
			Bytes   int64 `json:"bytes"`
		}
		body, err := get(ctx, client, queryURL+"/api/v1/stats")
		if err != nil {
			return 0, err
		}
		if err := json.Unmarshal(body, &stats); err != nil {
			return 0, fmt.Errorf("read the store's size: %w", err)
		}
		if stats.Records >= records {
			return stats.Bytes, nil
		}
		select {
		case <-ctx.Done():
			return 0, ctx.Err()
		case <-time.After(storedPoll):
		}
	}
}
