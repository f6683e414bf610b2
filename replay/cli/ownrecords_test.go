package cli

import (
	"context"
	"iter"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/instantdevlogs/devlogs/replay/canon"
	"github.com/instantdevlogs/devlogs/replay/ledger"
	"github.com/instantdevlogs/devlogs/replay/verify"
)

// A store that others write to holds records of other runs, and of no run: a golden gets neither, and its maker is told.
func TestOnlyARunsOwnRecordsAreTaken(t *testing.T) {
	meta := ledger.Meta{Run: ledger.NewRun(time.Now()), Identity: ledger.ByUID}
	other := ledger.NewRun(time.Now().Add(-time.Hour))
	store := func(uids ...string) func(context.Context) iter.Seq2[*canon.Record, error] {
		return func(context.Context) iter.Seq2[*canon.Record, error] {
			return func(yield func(*canon.Record, error) bool) {
				for _, uid := range uids {
					r := canon.New()
					if uid != "" {
						r.Log.Attributes().PutStr(ledger.UIDAttribute, uid)
					}
					if !yield(r, nil) {
						return
					}
				}
			}
		}
	}
	count := func(o *ownRecords, uids ...string) (n int, err error) {
		for _, failed := range o.of(store(uids...))(t.Context()) {
			if failed != nil {
				return n, failed
			}
			n++
		}
		return n, nil
	}
	mine, theirs := ledger.UID{Run: meta.Run, Ordinal: 1}.String(), ledger.UID{Run: other, Ordinal: 1}.String()
	shared := verify.Traits{Name: "a store"}

	o := newOwnRecords(meta, shared, "devlogs=…")
	require.NoError(t, o.certain())
	n, err := count(o, mine, theirs, "", mine)
	require.NoError(t, err)
	require.Equal(t, 2, n)
	require.Contains(t, o.note(), "1 of other runs, 1 without a mark")
	_, err = count(o, "", "", theirs)
	require.ErrorContains(t, err, "none of the 3 records there carries this run's mark")
	_, err = count(o)
	require.NoError(t, err, "a store with nothing in it is a finding, no error")

	o = newOwnRecords(meta, verify.Traits{Exclusive: true}, "sink")
	n, err = count(o, mine, theirs, "")
	require.NoError(t, err)
	require.Equal(t, 2, n, "a pipeline may make records, and take marks off")
	require.Contains(t, o.note(), "1 of other runs")

	meta.Identity = ledger.ByContent
	require.ErrorContains(t, newOwnRecords(meta, shared, "devlogs=…").certain(), "--identity uid")
	require.NoError(t, newOwnRecords(meta, shared, "sql=…").certain())
	require.NoError(t, newOwnRecords(meta, verify.Traits{Exclusive: true}, "devlogs=…").certain())
}
