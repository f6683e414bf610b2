// Package jsonlogreceiver is the json_log receiver: it takes JSON logs over HTTP, in plain JSON and in the push protocols
// that log shippers speak, and turns them into OpenTelemetry log records.
//
// A request goes through these files: routes.go finds the protocol of its path; request.go reads what headers and query
// parameters ask for; session.go reads the body record by record, cuts the records into batches and hands each batch to
// the pipeline; verdict.go keeps the account of what was accepted and what was rejected, line by line; and the
// protocol's own file (json.go, loki.go, bulk.go, splunk.go, jsonline.go) answers in its own form. errors.go is the only
// file that knows status codes.
//
// The hard work is in two packages below: internal/jsontape finds and parses the values of a body, and internal/jsonmap
// turns an object into a record.
package jsonlogreceiver

//go:generate go tool -modfile=../../tools/go.mod mdatagen metadata.yaml
