// Package ledger is the sender's side of a proof of delivery: what a run sent, and what it heard about it.
//
// A run is a directory. "run.json" says what was replayed and how (Meta); "ledger.bin" holds one entry for each attempt,
// written before its first byte leaves, and one for each outcome. From the two, and from nothing that the target says,
// follows how many copies of each record may be found afterwards: an interval (see Account.Copies). What is then found is
// compared with it by package verify.
//
// An attempt that has no outcome, because the sender was killed or the file's end is torn, is ambiguous: it may have
// arrived. So a ledger tells the truth whenever its writer stops.
//
// Cost is per request, never per record: two appends of 64 bytes. Records are known by ordinal: 0, 1, 2… in the order of
// the recording (after filters), the same in every copy; a copy is one loop of one replica. UID puts the three together
// into the text that goes on the wire as log.record.uid.
package ledger
