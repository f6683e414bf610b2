// Package diff compares what a pipeline puts out with what it put out when somebody looked and found it right: a golden.
//
// Records are compared by their leaves (package canon), so batching and the order of attributes don't matter. A record
// that carries a log.record.uid is paired with the golden's record of the same copy and ordinal, whatever the run; others
// are paired by their content. Masks (Masks) say for paths that differ from run to run what must hold instead. The answer
// is summed up: by path and kind of change for records that changed, by message template for records that are missing or
// too many (Result).
//
// A golden is a stock OTLP JSON file with one record a line in a fixed order (WriteGolden), so that version control shows
// what changed.
//
// Both sides are read as streams, twice when something differs. Memory is about 50 bytes for each record of the golden, and
// a bounded number of records for the details.
package diff
