// Package timescaleexporter is the production end of a pipeline: it puts each request into a Redis stream and answers, and
// stores what is in the stream into TimescaleDB or PostgreSQL, each batch exactly once.
//
//	ConsumeLogs ─► encode, compress ─► queue.Producer (group commit) ─► Redis stream ─┐
//	     ◄── nil: the batch is in Redis                                               │
//	                                                                                  ▼
//	ledger + COPY + COMMIT ◄── drain (decode, gather) ◄── queue.Consumer ◄────────────┘
//	     └──► acknowledge
//
// The two halves share nothing but Redis: role says which of them a process runs, and any number of processes may run
// either. An acknowledgement follows the commit, so a drain that dies in between makes the batch come again, and the ledger
// knows it. What the database refuses for its content goes to the dead letters, record by record, and holds up nothing.
package timescaleexporter

//go:generate go tool -modfile=../../tools/go.mod mdatagen metadata.yaml
