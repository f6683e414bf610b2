// Package sink is the far end of a pipeline under test: an OTLP receiver, gRPC and HTTP, that keeps what arrives and
// answers as a script tells it to.
//
// What arrives is kept as it came, in the OTLP file exporter's own format, so that verify, diff and any other reader of
// such files can take it from there. Keeping precedes answering: a request that the script lets time out or reset was
// received all the same, as it is with a real server that dies between commit and answer.
//
// The script is a list of verdicts, one for each request in order of arrival over both protocols (see ParseScript).
// After its end every request is accepted.
package sink
