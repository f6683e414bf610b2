// Command bench measures a built devlogs binary from outside, the way a user would load it: it starts the binary on free
// ports and a new data directory, sends a corpus, watches the process, asks queries, and writes one report.
//
// What it prints: records accepted each second, CPU seconds for a million records, peak resident memory, bytes on disk for
// each record, the time from "accepted" to "found by a query", and how long the queries take. The sender runs on the same
// machine and its cost is not taken out of any number, so compare only numbers made on the same machine, and best in the
// same minute.
//
//	go run ./bench                                        1 M records over OTLP/HTTP, then the queries
//	go run ./bench -format json -records 200000           JSON lines instead
//	go run ./bench -config builtin:production             with Redis and PostgreSQL, named by DEVLOGS_REDIS_URL and
//	                                                      DEVLOGS_POSTGRES_DSN; the CPU time is that of devlogs alone
//	go run ./bench -url http://127.0.0.1:9428/insert/opentelemetry/v1/logs -pid 4711
//	                                                      the same load against a server that is already running
package main
