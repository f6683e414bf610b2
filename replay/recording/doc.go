// Package recording reads and writes captured log traffic.
//
// A recording is a folder, a file, or a set of files. Reader takes whatever the Collector's stock file exporter writes,
// told apart by content and never by name: JSON Lines, length-prefixed protobuf or JSON, each plain, in gzip or zstd as a
// whole, or in zstd message by message; rotated and grouped sets are put back into one stream in order of arrival. Bodies
// always come out as OTLP protobuf, whatever form the file has.
//
// Writer makes the same stock form (one LogsData in OTLP/JSON a line, standard zstd) and puts two things beside it that a
// stock reader ignores:
//
//	manifest.json            counts, bounds, gaps, and the SHA-256 of every file
//	logs-000001.jsonl.zst    the requests; a zstd frame every 4 MiB or so, so zstd -d and the otlpjsonfile receiver read it
//	logs-000001.idx.jsonl    for each line where it lies, when it came, how, and what the answer was; gaps too
//
// Raw HTTP traffic, which has no OTLP form, has its bodies back to back in raw-000001.bodies.zst instead; the sidecar then
// says where each begins. Without a sidecar a message's arrival is the latest observed time in it, else the latest event
// time, else its place in the file.
package recording
