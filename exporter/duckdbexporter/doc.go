// Package duckdbexporter keeps logs in the embedded DuckDB store: the end of the default pipeline.
//
// One ConsumeLogs call is one batch. Its records become columns (storage.Encode), get a batch id (the client's
// idempotency key, else a hash of the content) and are committed; only then does the call return, so a receiver's 2xx means
// "on disk". Nothing is queued in memory between the two. Calls that come together share one commit, inside the store.
package duckdbexporter

//go:generate go tool -modfile=../../tools/go.mod mdatagen metadata.yaml
