package ledger

import (
	"testing"
	"time"

	"github.com/oklog/ulid/v2"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestUIDIsAULIDThatCarriesCopyAndOrdinal(t *testing.T) {
	started := time.Date(2026, 8, 1, 10, 0, 0, 0, time.UTC)
	run := NewRun(started)
	rapid.Check(t, func(t *rapid.T) {
		u := UID{
			Run:     run,
			Copy:    rapid.Uint32Range(0, MaxCopies-1).Draw(t, "copy"),
			Ordinal: rapid.Uint64Range(0, MaxRecords-1).Draw(t, "ordinal"),
		}
		text := u.String()
		require.Len(t, text, UIDLength)
		back, err := ParseUID(text)
		require.NoError(t, err)
		require.Equal(t, u, back)

		id, err := ulid.ParseStrict(text)
		require.NoError(t, err)
		require.Equal(t, started, id.Timestamp().UTC())

		patched := []byte(UID{Run: run}.String())
		PutUID(patched[runLength:], u.Copy, u.Ordinal)
		require.Equal(t, text, string(patched))
	})
}

func TestUIDsOfARunSortByCopyAndOrdinal(t *testing.T) {
	run := NewRun(time.Now())
	require.Less(t, UID{Run: run, Copy: 0, Ordinal: MaxRecords - 1}.String(), UID{Run: run, Copy: 1, Ordinal: 0}.String())
	require.Less(t, UID{Run: run, Ordinal: 31}.String(), UID{Run: run, Ordinal: 32}.String())
}

func FuzzParseUID(f *testing.F) {
	f.Add(UID{Run: NewRun(time.Now()), Copy: 3, Ordinal: 7}.String())
	f.Add("ZZZZZZZZZZZZZZZZZZZZZZZZZZ")
	f.Add("")
	f.Fuzz(func(t *testing.T, s string) {
		if u, err := ParseUID(s); err == nil {
			require.Equal(t, s, u.String())
		}
	})
}
