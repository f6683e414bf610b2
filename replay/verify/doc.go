// Package verify accounts for every record of a run: it reads what was sent from the ledger and the recording, what is
// there from a Source, and compares.
//
// The steps of Run, in order:
//
//  1. The ledger gives each request an interval of copies that may be found (ledger.Account).
//  2. Expected yields what was sent, once; of each record a hash and its identity's slot stay in memory (expectation).
//  3. A live source is polled until its count stands still (settle).
//  4. One full scan of the source: each record is recognised, counted and its hash compared (tally).
//  5. The checks judge the counts: lost, duplicated, phantom, foreign, mutated, order (checks).
//  6. Only when something is wrong, a second pass over Expected says what: which fields, which services (explain).
//
// Memory is about 4.3 bytes for each sent record, 12 more when records are recognised by anything else than their uid, and
// 64 for each request.
//
// A verifier that can't fail proves nothing. SelfTest injects one fault of each kind between the source and the tally,
// and says which were found; the package's tests do the same with each check left out.
package verify
