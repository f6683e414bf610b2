// Package storage is the contract between what produces logs (exporters), what keeps them (storage/duckdb,
// storage/postgres) and what asks for them (queryapi).
//
// The path of one request: plog.Logs come out of the Collector's pipeline; Encode turns them into Rows, columns that both
// stores can append without looking at a record twice; a Batch puts an id and a time of arrival beside them; Writer.Write
// makes the batch durable, all of it or nothing, and the same id only once. Readers get Records back, and Decode turns
// those into the plog.Logs they came from, to the nanosecond and to the attribute's type.
//
// Three small tables surround the rows in every store. Streams keep each distinct resource and scope once; a row carries
// the stream's 64-bit id. Fields list the attribute keys seen. Batches are the ledger: one row for each stored batch,
// written in the transaction that stores its rows, which gives idempotence (a batch id already there is skipped), order
// of commit for tailing, and the stable record id (batch sequence, row number).
//
// The package knows no HTTP, no SQL and no Collector component. storagetest is the one behaviour suite that every
// implementation passes.
package storage
