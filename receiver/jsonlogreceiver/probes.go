package jsonlogreceiver

import (
	"fmt"
	"net/http"
)

// Before they send the first log, Elasticsearch's clients ask who is there: Filebeat, Logstash and Elastic's libraries for
// the version and the licence, rsyslog and Vector for the health, and all that have an index to set up for templates and
// policies. The answers say what lets them go on; nothing is set up, as there is nothing to set up.

const elasticVersion = "8.17.0" // of the API that is spoken

// elasticProduct is the header without which Elastic's own clients go no further.
func elasticProduct() (name, value string) { return "X-Elastic-Product", "Elasticsearch" }

func elasticProbes(mux *http.ServeMux) {
	answer := func(pattern, body string) {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set(elasticProduct())
			healthy().writeHead(w, "application/json")
			fmt.Fprintln(w, body)
		})
	}
	answer("GET /{$}", `{"name":"devlogs","cluster_name":"devlogs","cluster_uuid":"devlogs",`+
		`"version":{"number":"`+elasticVersion+`","build_flavor":"default","build_type":"devlogs","build_snapshot":false,`+
		`"lucene_version":"9.12.0","minimum_wire_compatibility_version":"7.17.0","minimum_index_compatibility_version":"7.0.0"},`+
		`"tagline":"devlogs takes JSON logs here: POST them to /v1/json"}`)
	answer("GET /_license", `{"license":{"status":"active","uid":"devlogs","type":"basic","issued_to":"devlogs","issuer":"devlogs"}}`)
	answer("GET /_xpack", `{"license":{"status":"active","type":"basic"},"features":{"ilm":{"available":false,"enabled":false}}}`)
	answer("GET /_cluster/health", `{"cluster_name":"devlogs","status":"green","timed_out":false,"number_of_nodes":1,"number_of_data_nodes":1}`)
	answer("GET /_cat/health", "devlogs green 1 1 0 0 0 0 0 0 - 100.0%")
	answer("GET /_nodes/{rest...}", `{"_nodes":{"total":1,"successful":1,"failed":0},"cluster_name":"devlogs","nodes":{"devlogs":{`+
		`"name":"devlogs","version":"`+elasticVersion+`","roles":["ingest","data"]}}}`)
	for _, kind := range []string{"_index_template", "_component_template", "_template", "_ilm/policy", "_ingest/pipeline", "_data_stream"} {
		answer("GET /"+kind+"/{rest...}", `{}`)
		answer("PUT /"+kind+"/{rest...}", `{"acknowledged":true}`)
	}
}
