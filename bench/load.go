package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// load is what the sender saw.
type load struct {
	elapsed time.Duration
	retries int64
	ack     *hdrhistogram.Histogram // microseconds from the first byte of a request to its 2xx
}

// send posts every request once over conns keep-alive connections. 429 and 503 are retried after what Retry-After says;
// any other answer than 2xx ends the run.
func send(ctx context.Context, url, contentType string, requests [][]byte, conns int) (load, error) {
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: conns, MaxConnsPerHost: conns}}
	defer client.CloseIdleConnections()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)

	result := load{ack: hdrhistogram.New(1, int64(10*time.Minute/time.Microsecond), 3)}
	var next, retries atomic.Int64
	var mu sync.Mutex
	var workers sync.WaitGroup
	start := time.Now()
	for range conns {
		workers.Go(func() {
			latencies := hdrhistogram.New(1, int64(10*time.Minute/time.Microsecond), 3)
			for ctx.Err() == nil {
				i := next.Add(1) - 1
				if i >= int64(len(requests)) {
					break
				}
				began := time.Now()
				n, err := post(ctx, client, url, contentType, requests[i])
				retries.Add(n)
				if err != nil {
					cancel(err)
					break
				}
				_ = latencies.RecordValue(int64(time.Since(began) / time.Microsecond)) // it refuses only what is over ten minutes
			}
			mu.Lock()
			defer mu.Unlock()
			result.ack.Merge(latencies)
		})
	}
	workers.Wait()
	result.elapsed, result.retries = time.Since(start), retries.Load()
	if err := context.Cause(ctx); err != nil && !errors.Is(err, context.Canceled) {
		return result, err
	}
	return result, nil
}

// post sends one request until it is accepted and returns how often it had to try again.
func post(ctx context.Context, client *http.Client, url, contentType string, body []byte) (retries int64, _ error) {
	for {
		request, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
		if err != nil {
			return retries, err
		}
		request.Header.Set("Content-Type", contentType)
		response, err := client.Do(request)
		if err != nil {
			return retries, fmt.Errorf("send to %s: %w", url, err)
		}
		answer, err := io.ReadAll(io.LimitReader(response.Body, 4096))
		response.Body.Close()
		switch {
		case err != nil:
			return retries, fmt.Errorf("read the answer of %s: %w", url, err)
		case response.StatusCode < 300:
			return retries, nil
		case response.StatusCode != http.StatusTooManyRequests && response.StatusCode != http.StatusServiceUnavailable:
			return retries, fmt.Errorf("%s answered %s: %s", url, response.Status, answer)
		}
		retries++
		seconds, err := strconv.Atoi(response.Header.Get("Retry-After"))
		if err != nil {
			seconds = 1
		}
		select {
		case <-ctx.Done():
			return retries, ctx.Err()
		case <-time.After(time.Duration(seconds) * time.Second):
		}
	}
}
