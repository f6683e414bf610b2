// Package logplan answers LogQL from a store. It splits a query into what the store can answer by itself and the rest, which
// runs in Go over the stream of records that the store gives.
//
// A Planner serves one request. It looks up the catalogue of the time range (streams and fields), finds what each name in
// the query stands for, and makes a LogPlan or a MetricPlan. What goes to the store is what is provably equal there:
//
//   - the selector: matchers of stream labels choose streams, others become conditions;
//   - line filters up to the first stage that changes the line, as conditions on the body;
//   - label filters before the first stage that changes labels, as conditions on columns and attributes;
//   - a whole range aggregation, counted in buckets of time, when nothing of its pipeline is left over and its groups are
//     columns or attributes.
//
// Explain tells what went where.
//
// The line of a record is its body: a text as it is, any other value in the typed JSON it is stored in (see
// storage.AppendValue), so that a line filter means the same in the store and here.
package logplan
