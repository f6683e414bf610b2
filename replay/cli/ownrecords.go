package cli

import (
	"context"
	"fmt"
	"iter"
	"strings"

	"github.com/dustin/go-humanize"

	"github.com/instantdevlogs/devlogs/replay/canon"
	"github.com/instantdevlogs/devlogs/replay/ledger"
	"github.com/instantdevlogs/devlogs/replay/verify"
)

// ownRecords tells a run's records from others in its source. It knows them by the run's name in their log.record.uid; a
// source that holds nothing but the run (see verify.Traits.Exclusive) may also have records without one, which its pipeline
// made or took the mark from.
type ownRecords struct {
	meta      ledger.Meta
	traits    verify.Traits
	exclusive bool

	own, others, unmarked uint64 // of the last scan
}

func newOwnRecords(meta ledger.Meta, traits verify.Traits, source string) *ownRecords {
	// An SQL query says itself which rows are the run's.
	return &ownRecords{meta: meta, traits: traits, exclusive: traits.Exclusive || strings.HasPrefix(source, "sql=")}
}

// certain is an error when records of others can't be told from the run's.
func (o *ownRecords) certain() error {
	if o.exclusive || o.meta.Identity == ledger.ByUID {
		return nil
	}
	return fmt.Errorf("%s may hold records of other runs, and those of this run carry no mark (it was played with --identity %s), "+
		"so a golden made of it could hold both.\nPlay again with --identity uid; or, if nothing else was ever sent there, add ?exclusive=true to the source",
		o.traits.Name, o.meta.Identity)
}

// of leaves out what is not the run's.
func (o *ownRecords) of(all func(context.Context) iter.Seq2[*canon.Record, error]) func(context.Context) iter.Seq2[*canon.Record, error] {
	if o.meta.Identity != ledger.ByUID {
		return all
	}
	return func(ctx context.Context) iter.Seq2[*canon.Record, error] {
		return func(yield func(*canon.Record, error) bool) {
			o.own, o.others, o.unmarked = 0, 0, 0
			for r, err := range all(ctx) {
				if err == nil && !o.keep(r) {
					continue
				}
				if !yield(r, err) {
					return
				}
			}
			if o.own == 0 && o.unmarked > 0 && !o.exclusive {
				yield(nil, fmt.Errorf("none of the %s records there carries this run's mark (%s beginning with %s).\n"+
					"If the pipeline takes the mark off, and nothing else was ever sent there, add ?exclusive=true to the source",
					humanize.Comma(int64(o.unmarked+o.others)), ledger.UIDAttribute, o.meta.Run))
			}
		}
	}
}

func (o *ownRecords) keep(r *canon.Record) bool {
	uid, err := ledger.ParseUID(r.Text(ledger.UIDAttribute))
	switch {
	case err != nil:
		o.unmarked++
		return o.exclusive
	case uid.Run != o.meta.Run:
		o.others++
		return false
	}
	o.own++
	return true
}

// note says what was left out, and how that is known; "" when nothing was.
func (o *ownRecords) note() string {
	var parts []string
	if o.others > 0 {
		parts = append(parts, humanize.Comma(int64(o.others))+" of other runs")
	}
	if o.unmarked > 0 && !o.exclusive {
		parts = append(parts, humanize.Comma(int64(o.unmarked))+" without a mark")
	}
	if len(parts) == 0 {
		return ""
	}
	return fmt.Sprintf("left out, as they do not carry this run's mark (%s beginning with %s): %s\n",
		ledger.UIDAttribute, o.meta.Run, strings.Join(parts, ", "))
}
