package lokiapi

import (
	"context"
	"net/http"
	"time"

	"github.com/instantdevlogs/devlogs/logql"
	"github.com/instantdevlogs/devlogs/queryapi/logplan"
	"github.com/instantdevlogs/devlogs/storage"
)

// Store is what endpoints ask, for the one tenant of the request.
type Store interface {
	logplan.Store
	// Head is where a tail of "from now on" starts: every batch that is committed later has a greater sequence.
	Head(ctx context.Context) (uint64, error)
}

// Request is one request on its way to an answer.
type Request struct {
	HTTP    *http.Request
	Store   Store
	Planner *logplan.Planner
	Limits  *Limits
	Origins []string // of browsers that may tail, beside this server's own: patterns of hosts or of scheme://host
	Started time.Time
}

// Limits are what one request may ask for; they have the names of the server's settings.
type Limits struct {
	MaxRows    int           // max_rows: entries in an answer
	MaxGroups  int           // max_groups: streams and distinct values that an answer is made of
	MaxBytes   int           // max_answer_bytes: of lines and labels in an answer; 0 is no limit
	MaxRange   time.Duration // max_range: 0 is no limit
	MaxSeries  int           // max_query_series
	MaxTailLag time.Duration // max_tail_lag: how far a tail's reader may fall behind
}

// Responder is an answer that writes itself. When it returns an error it has written nothing.
type Responder interface {
	Respond(w http.ResponseWriter, r *http.Request) error
}

// Endpoint is one path of the API.
type Endpoint struct {
	Path string // a pattern of http.ServeMux, without a method
	Name string // in the books of requests
	// Answer gives what becomes JSON, or a Responder. An error is a *BadRequest or a *TooMuch, or one of the planner or the
	// store.
	Answer func(ctx context.Context, r *Request) (any, error)
	// Tail tells that the answer goes on until the client has enough.
	Tail bool
}

const prefix = "/loki/api/v1"

// Endpoints lists all.
func Endpoints() []Endpoint {
	return []Endpoint{
		{Path: prefix + "/query", Name: "loki_query", Answer: query},
		{Path: prefix + "/query_range", Name: "loki_query_range", Answer: queryRange},
		{Path: prefix + "/labels", Name: "loki_labels", Answer: labels},
		{Path: prefix + "/label", Name: "loki_labels", Answer: labels},
		{Path: prefix + "/label/{name}/values", Name: "loki_label_values", Answer: labelValues},
		{Path: prefix + "/series", Name: "loki_series", Answer: series},
		{Path: prefix + "/index/stats", Name: "loki_index_stats", Answer: indexStats},
		{Path: prefix + "/index/volume", Name: "loki_volume", Answer: volume},
		{Path: prefix + "/index/volume_range", Name: "loki_volume_range", Answer: volumeRange},
		{Path: prefix + "/detected_labels", Name: "loki_detected_labels", Answer: detectedLabels},
		{Path: prefix + "/detected_fields", Name: "loki_detected_fields", Answer: detectedFields},
		{Path: prefix + "/detected_field/{name}/values", Name: "loki_detected_field_values", Answer: detectedValues},
		{Path: prefix + "/patterns", Name: "loki_patterns", Answer: patterns},
		{Path: prefix + "/tail", Name: "loki_tail", Answer: tail, Tail: true},
		{Path: prefix + "/format_query", Name: "loki_format_query", Answer: formatQuery},
		{Path: prefix + "/drilldown-limits", Name: "loki_drilldown_limits", Answer: drilldown},
		{Path: prefix + "/rules", Name: "loki_rules", Answer: noRules},
		{Path: "/prometheus/api/v1/rules", Name: "loki_rules", Answer: noRuleGroups},
		{Path: "/prometheus/api/v1/alerts", Name: "loki_alerts", Answer: noAlerts},
		{Path: prefix + "/status/buildinfo", Name: "loki_buildinfo", Answer: buildInfo},
	}
}

// BadRequest says what is wrong with a request.
type BadRequest struct{ Msg string }

func (e *BadRequest) Error() string { return e.Msg }

// TooMuch says that a request is over a limit of the server.
type TooMuch struct {
	Setting string // as the server's configuration spells it
	Msg     string
}

func (e *TooMuch) Error() string { return e.Msg }

// success is the envelope of most answers.
type success struct {
	Status   string   `json:"status"`
	Warnings []string `json:"warnings,omitempty"`
	Data     any      `json:"data"`
}

func succeeded(data any) *success { return &success{Status: "success", Data: data} }

// answered is the answer to a query, with what is odd about it.
func (r *Request) answered(data *result) *success {
	return &success{Status: "success", Warnings: r.Planner.Warnings(), Data: data}
}

// logRequest asks for entries of a range.
func (t span) logRequest(q *logql.LogQuery, direction storage.Direction, limit int) logplan.LogRequest {
	return logplan.LogRequest{Query: q, Start: t.Start, End: t.End, Direction: direction, Limit: limit}
}
