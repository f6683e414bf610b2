package livefeed

import "github.com/instantdevlogs/devlogs/storage"

// filter is what one reader wants. It is used by one goroutine.
type filter struct {
	query    storage.Query
	streams  func(*storage.Stream) bool
	verdicts map[uint64]bool // by stream
	matcher  *storage.Matcher

	// Records of a stream mostly come one after the other.
	last    *storage.Stream
	verdict bool
}

// maxVerdicts bounds how many streams a filter remembers.
const maxVerdicts = 10_000

func newFilter(q *Query) *filter {
	return &filter{query: q.Query, streams: q.Streams, verdicts: map[uint64]bool{}, matcher: storage.NewMatcher(q.Where)}
}

// wants looks at what is cheapest first: most records are refused by their stream.
func (f *filter) wants(r *storage.Record) (bool, error) {
	if r.Time < f.query.Start || r.Time >= f.query.End && f.query.End != storage.EndOfTime || !f.wantsStream(r.Stream) {
		return false, nil
	}
	return f.matcher.Matches(r)
}

func (f *filter) wantsStream(s *storage.Stream) bool {
	if f.streams == nil {
		return true
	}
	if s == f.last {
		return f.verdict
	}
	verdict, known := f.verdicts[s.ID]
	if !known {
		if len(f.verdicts) >= maxVerdicts {
			clear(f.verdicts) // a tail may go on for weeks
		}
		verdict = f.streams(s)
		f.verdicts[s.ID] = verdict
	}
	f.last, f.verdict = s, verdict
	return verdict
}
