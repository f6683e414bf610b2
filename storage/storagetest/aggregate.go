package storagetest

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"pgregory.net/rapid"

	"github.com/instantdevlogs/devlogs/storage"
)

// testAggregate: any aggregation counts what the oracle counts.
func (c *corpus) testAggregate(t *testing.T, s Store) {
	rapid.Check(t, func(t *rapid.T) {
		tenant, all := c.fill(t, s)
		for range 10 {
			a := storage.Aggregation{
				Query:  c.drawQuery(t, tenant, all),
				Step:   rapid.SampledFrom([]uint64{0, 1, 7, 1 << 62}).Draw(t, "step"),
				Origin: pcommon.Timestamp(rapid.SampledFrom([]uint64{0, 3, start + 5}).Draw(t, "origin")),
				By:     rapid.SliceOfN(c.fields, 0, 2).Draw(t, "by"),
				Bytes:  rapid.Bool().Draw(t, "bytes"),
				Top:    rapid.SampledFrom([]int{0, 0, 1, 2}).Draw(t, "top"),
			}
			if rapid.Bool().Draw(t, "unwrapped") {
				number := c.fields.Draw(t, "number")
				a.Number = &number
			}
			got, err := collect(s.Aggregate(context.Background(), a))
			require.NoError(t, err)
			want := aggregateFrom(all, a)
			require.Len(t, got, len(want), "%+v\nwant %+v\ngot %+v", a, want, got)
			for i := range want {
				// Doubles are added in any order.
				require.InEpsilon(t, 1+abs(want[i].Sum), 1+abs(got[i].Sum), 1e-9)
				want[i].Sum = got[i].Sum
				require.Equal(t, want[i], got[i], "%+v", a)
			}
		}
	})
}

func abs(f float64) float64 { return max(f, -f) }
