package duckdb

// lanes is how many transactions commit side by side. DuckDB's appends and checkpoints lock a table, so each goes to a
// partition of its own; and one transaction keeps about one core busy.
const lanes = 2

// sequence gives batches their places in the ledger. A lane takes places when its transaction begins, so batches of two
// lanes may be committed in another order than they are numbered in: what follows the ledger reads up to head only.
type sequence struct {
	given  uint64        // the last place that was given to a batch
	stored uint64        // the last place that a committed batch has
	first  [lanes]uint64 // of the places that a lane's open transaction has; 0 when none is open
}

// start is called when everything before was committed and nothing is open. Places that were given are not given again.
func (s *sequence) start(stored uint64) {
	*s = sequence{given: max(s.given, stored), stored: stored}
}

// take gives n places to a lane, and returns the one before the first.
func (s *sequence) take(lane, n int) (before uint64) {
	before = s.given
	s.given += uint64(n)
	s.first[lane] = before + 1
	return before
}

// leave ends a lane's transaction that stored nothing.
func (s *sequence) leave(lane int) { s.first[lane] = 0 }

// keep ends a lane's transaction that stored batches up to last.
func (s *sequence) keep(lane int, last uint64) {
	s.stored = max(s.stored, last)
	s.first[lane] = 0
}

// head is the last place up to which everything is committed that ever will be.
func (s *sequence) head() uint64 {
	head := s.stored
	for _, first := range s.first {
		if first > 0 {
			head = min(head, first-1)
		}
	}
	return head
}
