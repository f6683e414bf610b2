package postgres

import (
	"context"

	"github.com/google/uuid"

	"github.com/instantdevlogs/devlogs/storage"
)

// Check tells whether the database takes these rows, by storing them and rolling that back: no reader sees anything of them.
// (Their streams and fields may stay in the catalogue, until maintenance finds that nobody uses them.) It is for finding the
// record for which a batch was refused: give it halves.
//
// nil: it takes them. A *ContentError: it refuses something in them. A *storage.UnavailableError: it can't tell now. Safe for
// concurrent use.
func (s *Store) Check(ctx context.Context, rows *storage.Rows) error {
	// An id of its own: the batch that the rows come from may be in the ledger, and then nothing would be copied.
	_, err := s.attempt(ctx, []storage.Batch{{ID: uuid.New(), Rows: rows}}, rollback)
	return err
}
