// Package postgres keeps logs in PostgreSQL 15 or newer: with TimescaleDB's columnstore, with TimescaleDB under the Apache
// licence, or with neither. Open finds out which, and makes or updates the schema (migrations/).
//
// Storing: Write gathers what concurrent callers bring (commit.go); WriteAll stores many batches in one transaction
// (write.go): first the ledger, which skips batches that are there already, then one COPY of the new rows, encoded straight
// from their columns (columns.go, copy.go). What is new of streams and fields goes before, in short transactions of its own
// (catalogue.go).
//
// Asking: conditions become SQL (expr.go, field.go, regex.go). SQL here has three answers: yes, no, and not sure, which is
// NULL; records of the third kind are judged in Go (match.go). A search goes through windows of time (search.go, window.go),
// an aggregation is one statement (aggregate.go), and a tail follows the ledger (tail.go).
//
// What text and JSON of PostgreSQL can't hold (a NUL, above all) is kept exactly, in a column of its own: see copy.go.
package postgres
