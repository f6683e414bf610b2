// Package lokiapi answers Loki's HTTP API, so that logcli, Grafana's Loki data source, Logs Drilldown and Grafana's alerting
// read logs here without a change. The shapes are those of Loki's public API documentation, compared with a real Loki; see
// docs/loki-compatibility.md for what was compared and what differs.
//
// A request comes in through queryapi, which admits it, gives it a turn and a time limit, and makes the Request: the logs of
// its tenant, and a planner within the server's limits. Each Endpoint reads its parameters with a form, asks, and gives a
// value that becomes JSON, or one that writes itself. It knows no status codes: queryapi turns errors into answers.
//
// What Loki calls streams are here the distinct sets of resource attributes. Labels, values and series come from the
// catalogue of streams; only a selector that names something of the records themselves makes them count records.
package lokiapi
