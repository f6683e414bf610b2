// Package jsontape reads JSON as it arrives over the network: it finds the values in a body (Reader) and turns each into a
// flat list of nodes (Tape) that a mapper walks without an allocation per field.
//
// The parser is strict JSON (RFC 8259) with three exceptions that real loggers need: raw control characters other than a
// line feed are allowed in strings, NaN and ±Infinity are numbers (Python writes them), and a byte order mark may lead
// the body. Text that is not UTF-8, and lone surrogates, become U+FFFD: what leaves this package is valid UTF-8.
//
// Memory: a Reader never writes twice to the same byte. Strings taken from a Tape alias the Reader's buffer and stay valid
// for as long as somebody holds them, so that log records need no copies of their text; the price is that one held string
// keeps its whole chunk (at most 256 KiB, or one long value). Whoever keeps a string beyond its batch clones it.
package jsontape
