// Package gate turns numbers into a verdict: thresholds in k6's manner ("ack.p(99) < 50ms"), checked against the metrics of a
// run, and where wanted against those of an earlier run on the same machine.
package gate
