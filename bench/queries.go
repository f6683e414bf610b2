package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"time"
)

// query is one question that is asked over all records of the corpus.
type query struct {
	name string
	path string
	args url.Values
}

type queryResult struct {
	Name   string  `json:"name"`
	Median float64 `json:"median_ms"`
	Worst  float64 `json:"worst_ms"`
	Bytes  int     `json:"answer_bytes"`
}

// theQueries are the questions that people ask of logs.
func theQueries() []query {
	logs := func(name string, args ...string) query { return makeQuery(name, "/api/v1/logs", args...) }
	histogram := func(name string, args ...string) query { return makeQuery(name, "/api/v1/histogram", args...) }
	logql := func(name, text string) query {
		return query{name: name, path: "/loki/api/v1/query", args: url.Values{"query": {text}}}
	}
	return []query{
		histogram("count by service", "by", "service", "step", "25h"),
		histogram("count by 10 min × level", "by", "level", "step", "10m"),
		logs("common phrase, newest 100", "q", "terminating", "limit", "100"),
		logs("rare token", "q", rareToken, "limit", "100"),
		logs("trace id", "trace_id", rareTrace, "limit", "100"),
		logs("newest 100", "limit", "100"),
		logs("newest 100 of one service", "service", serviceName(3), "limit", "100"),
		makeQuery("facets of all fields", "/api/v1/facets"),
		logql("LogQL: count by service", `sum by (service_name) (count_over_time({}[25h]))`),
		makeQuery("LogQL: count by 10 min × level", "/loki/api/v1/query_range",
			"query", `sum by (detected_level) (count_over_time({}[10m]))`, "step", "600"),
		logql("LogQL: case-insensitive regex count", `sum(count_over_time({} |~ "(?i)connection (reset|timed out)" [25h]))`),
		logql("LogQL: attribute = value count", `sum(count_over_time({http_status_code="500"}[25h]))`),
		logs("LogQL: common phrase, newest 100", "query", `{} |= "terminating"`, "limit", "100"),
		logs("LogQL: rare token", "query", `{} |= "`+rareToken+`"`, "limit", "100"),
		logs("LogQL: trace id", "query", `{trace_id="`+rareTrace+`"}`, "limit", "100"),
		logs("LogQL: newest 100", "query", `{}`, "limit", "100"),
		logs("LogQL: newest 100 of one service", "query", `{service_name="`+serviceName(3)+`"}`, "limit", "100"),
	}
}

func makeQuery(name, path string, args ...string) query {
	q := query{name: name, path: path, args: url.Values{"since": {"25h"}}}
	for i := 0; i < len(args); i += 2 {
		q.args.Set(args[i], args[i+1])
	}
	return q
}

// ask runs every query repeat times, after one run that is not counted.
func ask(ctx context.Context, base string, repeat int) ([]queryResult, error) {
	client := &http.Client{}
	defer client.CloseIdleConnections()
	var results []queryResult
	for _, q := range theQueries() {
		target := base + q.path + "?" + q.args.Encode()
		result := queryResult{Name: q.name}
		var times []float64
		for i := range repeat + 1 {
			start := time.Now()
			body, err := get(ctx, client, target)
			if err != nil {
				return results, fmt.Errorf("query %q: %w", q.name, err)
			}
			if i > 0 {
				times = append(times, float64(time.Since(start).Microseconds())/1000)
			}
			result.Bytes = len(body)
		}
		slices.Sort(times)
		result.Median, result.Worst = times[len(times)/2], times[len(times)-1]
		results = append(results, result)
	}
	return results, nil
}

func get(ctx context.Context, client *http.Client, target string) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, target, nil)
	if err != nil {
		return nil, err
	}
	response, err := client.Do(request)
	if err != nil {
		return nil, fmt.Errorf("ask %s: %w", target, err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, fmt.Errorf("read the answer of %s: %w", target, err)
	}
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s answered %s: %.300s", target, response.Status, body)
	}
	return body, nil
}
