package lokiapi

import (
	"context"
	"io"
	"net/http"
	"runtime"
	"runtime/debug"

	"github.com/instantdevlogs/devlogs/logql"
)

// speaks is the version of Loki whose API this is; clients read from it what they may ask.
const speaks = "3.6.0"

type buildAnswer struct {
	Version   string `json:"version"`
	Revision  string `json:"revision"`
	Branch    string `json:"branch"`
	BuildUser string `json:"buildUser"`
	BuildDate string `json:"buildDate"`
	GoVersion string `json:"goVersion"`
}

// buildInfo answers /status/buildinfo. The version is that of Loki whose API is spoken; the revision tells what speaks it.
func buildInfo(context.Context, *Request) (any, error) {
	return &buildAnswer{Version: speaks, Revision: devlogsVersion(), Branch: "devlogs", GoVersion: runtime.Version()}, nil
}

// devlogsVersion is what the build says of this module.
func devlogsVersion() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "devlogs"
	}
	return "devlogs " + info.Main.Version
}

// formatAnswer is a query written out, or why it can't be.
type formatAnswer struct {
	Status string `json:"status"`
	Data   string `json:"data"`
}

// formatQuery answers /format_query.
func formatQuery(_ context.Context, r *Request) (any, error) {
	f := newForm(r)
	expr := f.query()
	if err := f.err(); err != nil {
		return nil, err
	}
	return &formatAnswer{"success", logql.Format(expr)}, nil
}

// drilldownAnswer tells Logs Drilldown what it may ask.
type drilldownAnswer struct {
	Limits          drilldownLimits `json:"limits"`
	PatternIngester bool            `json:"pattern_ingester_enabled"`
	Version         string          `json:"version"`
}

type drilldownLimits struct {
	DiscoverLogLevels     bool     `json:"discover_log_levels"`
	DiscoverServiceName   []string `json:"discover_service_name"`
	LogLevelFields        []string `json:"log_level_fields"`
	MaxEntriesPerQuery    int      `json:"max_entries_limit_per_query"`
	MaxLineSizeTruncate   bool     `json:"max_line_size_truncate"`
	MaxQueryLength        string   `json:"max_query_length"`
	MaxQuerySeries        int      `json:"max_query_series"`
	MetricAggregation     bool     `json:"metric_aggregation_enabled"`
	PatternPersistence    bool     `json:"pattern_persistence_enabled"`
	RetentionPeriod       string   `json:"retention_period"`
	VolumeEnabled         bool     `json:"volume_enabled"`
	VolumeMaxSeries       int      `json:"volume_max_series"`
	AllowStructuredFields bool     `json:"allow_structured_metadata"`
}

// drilldown answers /drilldown-limits. Durations of 0 mean no limit.
func drilldown(_ context.Context, r *Request) (any, error) {
	return &drilldownAnswer{
		Limits: drilldownLimits{
			DiscoverLogLevels: true, DiscoverServiceName: []string{"service.name"},
			LogLevelFields:     []string{"severity_number", "severity_text"},
			MaxEntriesPerQuery: r.Limits.MaxRows, MaxQueryLength: r.Limits.MaxRange.String(), MaxQuerySeries: r.Limits.MaxSeries,
			RetentionPeriod: "0s", VolumeEnabled: true, VolumeMaxSeries: r.Limits.MaxGroups, AllowStructuredFields: true,
		},
		PatternIngester: true, Version: speaks,
	}, nil
}

// ruleAnswer is the answer of a ruler without rules: alert rules live in Grafana, or in a ruler that asks /query.
type ruleAnswer struct {
	Status    string `json:"status"`
	Data      any    `json:"data"`
	ErrorType string `json:"errorType"`
	Error     string `json:"error"`
}

func noRuleGroups(context.Context, *Request) (any, error) {
	return &ruleAnswer{Status: "success", Data: map[string][]any{"groups": {}}}, nil
}

func noAlerts(context.Context, *Request) (any, error) {
	return &ruleAnswer{Status: "success", Data: map[string][]any{"alerts": {}}}, nil
}

// noRules answers /rules, which is YAML: a map of namespaces, and there are none.
func noRules(context.Context, *Request) (any, error) { return yamlText("{}\n"), nil }

type yamlText string

func (t yamlText) Respond(w http.ResponseWriter, _ *http.Request) error {
	w.Header().Set("Content-Type", "application/yaml")
	_, err := io.WriteString(w, string(t))
	return err
}
