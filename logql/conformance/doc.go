// Package conformance holds LogQL queries with the answers they should get, over a small data set of its own, so that every
// store, and another implementation of the language, can be held to the same answers.
//
// The data set (Logs) is made by a program, always the same: about 1,500 records of five services in one hour. It has what
// queries meet: JSON and logfmt lines, also broken ones, plain text with terminal colours and Unicode, packed lines,
// counters that start again, and attributes of all simple types. Resource attributes are stream labels, record attributes
// are structured metadata. To load it into a Loki, send it over OTLP with all resource attributes configured as index
// labels, and let Loki accept old samples.
//
// The cases stand in testdata/*.txt: a query, below it how to ask, and below that the answer. The answers are made by the
// evaluator in this package (naive*.go), which shares with the real one the parser and template functions only, and takes
// no short cuts: it keeps all entries in memory, reads JSON with encoding/json, runs every regular expression as it stands,
// and looks at all entries anew for each window. Write the answers anew with: go test ./logql/conformance -update
package conformance
