// Package queryapi is the query_api extension: an HTTP API over what is stored.
//
// A request takes four steps. server.go admits it: method, tenant, a turn among the concurrent queries, a time limit.
// A handler (one file for each group of endpoints: logs.go, record.go, histogram.go, facets.go, fields.go, services.go)
// reads the parameters with params.go and turns them into a storage.Query; names.go finds what a field's name stands for.
// The query goes through a Source (source.go), the one door to the store, where the tenant enters it. The handler returns a
// value or an error, and server.go writes the one as JSON, or lets it write itself when it is a stream, and turns the other
// into a status and the one shape of an error (errors.go).
//
// Other languages are other ways to make a storage.Query: they share all but the reading of parameters.
package queryapi

//go:generate go tool -modfile=../tools/go.mod mdatagen metadata.yaml
