// Package patch changes recorded OTLP requests in place, as fast as they can be copied.
//
// Replaying needs a few things in each record to differ from copy to copy: the times, the identity, the trace and span
// ids, the names of replicated hosts. On the wire all of these have a fixed length (times are fixed64, ids are 16 and 8
// bytes, a log.record.uid has 26 characters), so a request is prepared once and then only overwritten:
//
//	Stamp     makes room: gives every record a log.record.uid, and resources a replica suffix
//	NewIndex  finds, once, at which offsets the things lie
//	Apply     overwrites them in a copy of the bytes: no allocation, no decoding, lengths never change
//
// What it does is defined by what a decoder sees afterwards: decoding the patched bytes equals decoding the original and
// setting the fields. A time of zero means "unknown"; it is not patched, whether it is absent on the wire or written out.
package patch
