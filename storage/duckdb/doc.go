// Package duckdb keeps logs in a directory of DuckDB files, inside the process: the embedded store.
//
// The directory holds partitions, each a DuckDB file of its own with the four tables of the storage contract (logs,
// log_streams, log_fields, log_batches). They are attached to one DuckDB instance in memory. Batches go to the newest
// partition, and under load to two in turn; a new one is begun each UTC day of arrival and when a partition has grown to its
// share of the disk cap, so that retention frees space at once by deleting whole files. A batch, its ledger row and what it
// adds to the catalogues are one transaction in one file.
//
// Write gathers concurrent batches into one commit (queue.go); under load a second lane commits beside the first, to a
// partition of its own (writer.go), and what follows the ledger waits for both (sequence.go). Readers use connections of
// their own (instance.go) and never wait for a lane. Search walks windows of time (search.go), Aggregate is one statement
// over the partitions (aggregate.go), and Tail follows the ledger (tail.go). Streams and Fields are read once and remembered
// until a commit or retention changes them (remembered.go).
package duckdb
