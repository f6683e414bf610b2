package queryapi

import "net/http"

// indexAnswer tells where things are.
type indexAnswer struct {
	Service       string            `json:"service"`
	Documentation string            `json:"documentation"`
	Try           string            `json:"try"`
	Endpoints     map[string]string `json:"endpoints"`
}

// index answers GET /, and everything that is nowhere.
func (s *server) index(r *http.Request) (any, error) {
	if r.URL.Path != "/" {
		return nil, &apiError{Code: codeNotFound, Message: "there is nothing at " + r.URL.Path, Hint: "GET / lists what there is"}
	}
	return &indexAnswer{
		Service:       "devlogs query_api",
		Documentation: "/api/v1/openapi.yaml",
		Try:           "/api/v1/logs?since=15m&level=warn",
		Endpoints: map[string]string{
			"/api/v1/logs":                 "search; as NDJSON or CSV with format=",
			"/api/v1/logs/tail":            "logs as they come, as server-sent events",
			"/api/v1/logs/{id}":            "one record",
			"/api/v1/logs/{id}/context":    "what was logged around it",
			"/api/v1/histogram":            "how many over time, by level, service or any field",
			"/api/v1/facets":               "the most frequent values of several fields",
			"/api/v1/fields":               "fields that logs have",
			"/api/v1/fields/{name}/values": "values of one of them",
			"/api/v1/services":             "services that have logs",
			"/api/v1/explain":              "what the store does for a query of LogQL and what runs here",
			"/api/v1/stats":                "what is stored",
			"/loki/api/v1/":                "the read API of Grafana Loki",
			"/healthz":                     "alive",
			"/readyz":                      "ready to answer",
			"/metrics":                     "metrics for Prometheus",
		},
	}, nil
}
