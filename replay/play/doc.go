// Package play sends a recording: the sender of a replay.
//
// The way of a request: feed reads and prepares requests ahead of their time, within a budget of memory; schedule asks the
// pacer when each is due, waits, and hands it to a free worker; the worker patches a copy, notes the attempt in the ledger,
// sends it (grpc.go, http.go), notes the outcome, and tries again as OTLP allows.
//
// The load is open: requests go out when they are due, however slow the answers are, and latency counts from when a
// request was due, not from when a busy sender came to it (coordinated omission). How late the sender itself was is
// measured beside it: a run that could not keep its schedule says so, and proves nothing about its target.
package play
