package postgres

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/instantdevlogs/devlogs/internal/testservices"
	"github.com/instantdevlogs/devlogs/storage"
)

func TestCheckLeavesNothingBehind(t *testing.T) {
	for _, layout := range testLayouts(t) {
		s := openTest(t, layout)
		stored := batchAt("", now(), 5)
		_, err := s.Write(t.Context(), stored)
		require.NoError(t, err)
		for _, b := range []storage.Batch{stored, batchAt("", now(), 10), batchAt("", now(), 2*minDirect), batchAt("", 1, 3)} {
			require.NoError(t, s.Check(t.Context(), b.Rows), "%s: %d rows", layout, b.Rows.Len())
		}
		require.EqualValues(t, 5, count(t, s, ""), layout)
		outcome, err := s.Write(t.Context(), batchAt("", now(), 3))
		require.NoError(t, err, "the connection is of use after it")
		require.Equal(t, storage.Stored, outcome)
	}
}

func TestCheckSaysWhatIsRefusedAndWhatIsUnreachable(t *testing.T) {
	server := testservices.PrivatePostgres(t)
	s := openDatabase(t, server.Database(t).DSN, LayoutPlain)
	_, err := s.writers.Exec(t.Context(), "ALTER TABLE logs ADD CONSTRAINT no_line_7 CHECK (body <> 'line 7')")
	require.NoError(t, err)
	var content *ContentError
	require.ErrorAs(t, s.Check(t.Context(), batchAt("", now(), 10).Rows), &content)
	require.ErrorContains(t, content, "no_line_7")
	require.NoError(t, s.Check(t.Context(), batchAt("", now(), 7).Rows))
	require.ErrorAs(t, s.Check(t.Context(), batchAt(strings.Repeat("t", maxTenant+1), now(), 1).Rows), new(*ContentError))
	require.NoError(t, s.Check(t.Context(), batchAt("", now(), 1).Rows))
	server.Kill(t)
	require.ErrorAs(t, s.Check(t.Context(), batchAt("", now(), 1).Rows), new(*storage.UnavailableError))
}
