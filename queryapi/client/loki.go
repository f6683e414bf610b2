package client

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
)

// Result is the answer to a metric query, in the form of Prometheus' API.
type Result struct {
	Type     string   // matrix, vector or scalar
	Series   []Series // of a scalar: one without a metric
	Warnings []string // what is odd about the query
}

// Series is one series of a Result.
type Series struct {
	Metric map[string]string `json:"metric"`
	Values []Sample          `json:"values,omitempty"` // in order of time
	Value  *Sample           `json:"value,omitempty"`  // of a vector
}

// Sample is a value at a time in seconds. The value is text, as JSON has no NaN and no infinity.
type Sample struct {
	Time  float64
	Value string
}

// UnmarshalJSON reads [time, "value"].
func (s *Sample) UnmarshalJSON(text []byte) error {
	pair := [2]any{&s.Time, &s.Value}
	return json.Unmarshal(text, &pair)
}

// MarshalJSON writes [time, "value"].
func (s Sample) MarshalJSON() ([]byte, error) { return json.Marshal([2]any{s.Time, s.Value}) }

// Metrics asks a metric query: over a range with path "query_range", at one time with "query".
func (c *Client) Metrics(ctx context.Context, path string, query url.Values) (*Result, error) {
	var answer struct {
		Warnings []string
		Data     struct {
			ResultType string          `json:"resultType"`
			Result     json.RawMessage `json:"result"`
		}
	}
	if err := c.Get(ctx, lokiPrefix+path, query, &answer); err != nil {
		return nil, err
	}
	data := answer.Data
	result := &Result{Type: data.ResultType, Warnings: answer.Warnings}
	var err error
	switch data.ResultType {
	case "matrix", "vector":
		err = json.Unmarshal(data.Result, &result.Series)
	case "scalar":
		one := Series{Value: &Sample{}}
		err = json.Unmarshal(data.Result, one.Value)
		result.Series = []Series{one}
	default:
		err = fmt.Errorf("the answer is of the type %q, not numbers", data.ResultType)
	}
	return result, err
}

// Loki asks one of the endpoints below /loki/api/v1 and decodes the data of its answer into out.
func (c *Client) Loki(ctx context.Context, path string, query url.Values, out any) error {
	answer := struct{ Data any }{out}
	return c.Get(ctx, lokiPrefix+path, query, &answer)
}

const lokiPrefix = "/loki/api/v1/"
