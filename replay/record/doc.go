// Package record is a tap: a proxy that passes log traffic on as it came and keeps a copy on disk.
//
// One handler serves OTLP over gRPC and HTTP, and any other HTTP: gRPC is HTTP/2 like the rest, so requests, answers,
// compression, headers and trailers go through without being understood. While they do, a copy of the body is taken
// (capture). Exchanges wait in order of arrival until they are answered, and one goroutine decodes and writes them (disk).
//
// Traffic never waits for the recording. What may be held in memory is bounded; when the disk cannot keep up, copies are
// given up and a gap is written down in their place.
package record
