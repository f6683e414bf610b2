package verify

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"pgregory.net/rapid"

	"github.com/instantdevlogs/devlogs/replay/canon"
	"github.com/instantdevlogs/devlogs/replay/ledger"
)

func TestAFaithfulTargetPassesInEveryIdentity(t *testing.T) {
	for _, identity := range identical {
		t.Run(string(identity), func(t *testing.T) {
			w := newWorld(t, ledger.Meta{Identity: identity}, outcomes(ack), outcomes(timeout, ack), outcomes(refused), outcomes(timeout), outcomes(open))
			r := w.verify()
			require.Empty(t, r.Failures())
			require.Equal(t, "sent 50 = delivered 20 + lost 0 + refused 10 + unknown 20", r.Equation())
			require.Zero(t, r.Order.Inversions)
		})
	}
}

func TestEachFaultIsNamed(t *testing.T) {
	for name, c := range map[string]struct {
		harm func(*world)
		want string
		in   []ledger.Identity
		// A changed record that is known by its content only is lost and foreign at once.
		failures int
	}{
		"a loss": {func(w *world) { w.drop(3) }, "1 record lost", identical, 1},
		"a duplicate": {func(w *world) { w.stored.records = append(w.stored.records, w.stored.records[3]) },
			"1 record duplicated by the pipeline", identical, 1},
		"a phantom":  {func(w *world) { w.stored.add(w.sent[2].Logs) }, "10 records there though refused", identical, 1},
		"a mutation": {func(w *world) { w.stored.records[3].Log.Attributes().PutStr("http.status", "200") }, "1 record changed on the way", identical[:3], 1},
		"a mutation recognised by content": {func(w *world) { w.stored.records[3].Log.Body().SetStr("x") }, "1 record there that this run never sent",
			identical[3:], 2},
		"a foreign record": {func(w *world) { w.stored.records = append(w.stored.records, canon.New()) }, "1 record there that this run never sent", identical, 1},
		"a foreign uid": {func(w *world) {
			r := w.stored.records[3].Clone()
			r.Log.Attributes().PutStr(ledger.UIDAttribute, ledger.UID{Run: w.meta.Run, Ordinal: 1000}.String())
			w.stored.records = append(w.stored.records, r)
		}, "1 record there that this run never sent", identical[:1], 1},
		"a swap": {func(w *world) {
			w.stored.records[3], w.stored.records[4] = w.stored.records[4], w.stored.records[3]
		}, "1 record out of the order", identical, 1},
	} {
		for _, identity := range c.in {
			t.Run(name+" by "+string(identity), func(t *testing.T) {
				w := newWorld(t, ledger.Meta{Identity: identity}, outcomes(ack), outcomes(timeout, ack), outcomes(refused))
				c.harm(w)
				r := w.verify(func(o *Options) { o.RequireOrder = true })
				require.NotEmpty(t, r.Failures())
				require.Contains(t, strings.Join(r.Failures(), "\n"), c.want)
				require.Len(t, r.Failures(), c.failures)
			})
		}
	}
}

func (w *world) drop(i int) {
	w.stored.records = append(w.stored.records[:i:i], w.stored.records[i+1:]...)
}

func TestRetryDuplicatesPassUnlessExactlyOnceIsAsked(t *testing.T) {
	w := newWorld(t, ledger.Meta{}, outcomes(ack), outcomes(timeout, ack))
	w.stored.add(w.sent[1].Logs)
	r := w.verify()
	require.Empty(t, r.Failures())
	require.Equal(t, uint64(10), r.RetryDuplicates)
	r = w.verify(func(o *Options) { o.Delivery = ledger.ExactlyOnce })
	require.Equal(t, []string{"10 records stored more than once after a retry, which exactly-once forbids"}, r.Failures())
	w.stored.add(w.sent[1].Logs)
	require.Contains(t, w.verify().Failures()[0], "10 records duplicated by the pipeline")
}

func TestPartialSuccessIsCheckedBySum(t *testing.T) {
	partial := ledger.Outcome{Class: ledger.Ack, Rejected: 3}
	w := newWorld(t, ledger.Meta{}, outcomes(ack), outcomes(partial))
	r := w.verify() // all ten of the second request are there though three were rejected
	require.Equal(t, uint64(3), r.Phantom)
	for range 3 {
		w.drop(15)
	}
	require.Empty(t, w.verify().Failures())
	require.Equal(t, "sent 20 = delivered 17 + lost 0 + refused 3 + unknown 0", w.verify().Equation())
	w.drop(15)
	r = w.verify()
	require.Equal(t, uint64(1), r.Lost)
	require.Contains(t, r.Findings[0].Detail, "which ones is not known")
}

func TestMutationsAreNamedByFieldAndKind(t *testing.T) {
	w := newWorld(t, ledger.Meta{}, outcomes(ack), outcomes(ack))
	for _, r := range w.stored.records {
		r.Log.Attributes().PutStr("http.status", "200")
	}
	w.stored.records[0].Log.SetSeverityText("")
	r := w.verify()
	require.Equal(t, uint64(20), r.Mutated)
	require.Len(t, r.Mutations, 2)
	require.Equal(t, "attributes.http.status", r.Mutations[0].Path)
	require.Equal(t, "int → string", r.Mutations[0].Class)
	require.Equal(t, uint64(20), r.Mutations[0].Records)
	require.Equal(t, 2, r.Mutations[0].Streams)
	require.Equal(t, ChangeSample{Ordinal: 0, Was: "200", Now: `"200"`}, r.Mutations[0].Samples[0])
	require.Equal(t, [2]string{"severity_text", "removed"}, [2]string{r.Mutations[1].Path, r.Mutations[1].Class})

	var text strings.Builder
	require.NoError(t, r.WriteText(&text))
	require.Contains(t, text.String(), "FAIL 20 records changed on the way (mutated)")
	require.Contains(t, text.String(), "mutated: attributes.http.status int → string, 20 records of 2 streams")
}

func TestLossesAreSummedByServiceAndSeverity(t *testing.T) {
	w := newWorld(t, ledger.Meta{}, outcomes(ack), outcomes(ack))
	w.stored.records = w.stored.records[:10]
	r := w.verify()
	require.Equal(t, []Share{{Service: "service-1", Severity: "INFO", Lost: 10, Sent: 10, Sample: `service-1 INFO "order 10 placed"`}}, r.LostBy)
	require.Equal(t, `service-1 INFO "order 10 placed"`, r.Findings[0].Record)
}

func TestTwinsAreCountedTogether(t *testing.T) {
	w := newWorld(t, ledger.Meta{Identity: ledger.ByContent}, outcomes(ack), outcomes(ack))
	alike := func(r *canon.Record) {
		w.sent[0].Logs.ResourceLogs().At(0).Resource().CopyTo(r.Resource)
		canon.New().Log.CopyTo(r.Log)
	}
	for _, s := range w.sent {
		for r := range canon.Records(s.Logs) {
			alike(r)
		}
	}
	w.stored.records = nil
	w.stored.add(w.sent[0].Logs)
	w.stored.add(w.sent[1].Logs)
	require.Empty(t, w.verify().Failures())
	w.drop(0)
	require.Equal(t, uint64(1), w.verify().Lost)
	w.stored.add(w.sent[1].Logs)
	require.Equal(t, uint64(0), w.verify().Lost)
	require.Positive(t, w.verify().Duplicated)
}

// Records of one identity that differ otherwise are told apart by what they are: one that is lost is not made up for by
// another that is doubled, and one that was changed is not the other.
func TestAnIdentityOfSeveralRecordsHidesNothing(t *testing.T) {
	for _, identity := range []ledger.Identity{ledger.ByTime, ledger.ByIDs} {
		w := newWorld(t, ledger.Meta{Identity: identity}, outcomes(ack), outcomes(ack))
		for _, s := range w.sent {
			for r := range canon.Records(s.Logs) {
				r.Log.SetTimestamp(1_800_000_000_000_000_000)
				r.Log.SetTraceID(pcommon.TraceID{1})
			}
		}
		w.stored.records, w.stored.traits.Order = nil, NoOrder
		w.stored.add(w.sent[0].Logs)
		w.stored.add(w.sent[1].Logs)
		require.Empty(t, w.verify().Failures())

		w.stored.records[3] = w.stored.records[12]
		r := w.verify()
		require.Equal(t, [3]uint64{1, 1, 0}, [3]uint64{r.Lost, r.Duplicated, r.Mutated}, "%s", identity)
		require.Contains(t, r.Findings[0].Record, `"order 3 placed"`)
		require.Contains(t, r.Findings[1].Record, `"order 12 placed"`)

		w.stored.records[3] = w.stored.records[12].Clone()
		w.stored.records[3].Log.Body().SetStr("something else")
		r = w.verify()
		require.Equal(t, [3]uint64{0, 0, 1}, [3]uint64{r.Lost, r.Duplicated, r.Mutated}, "%s", identity)
		require.Contains(t, r.Findings[0].Detail, "which of them it was is not known")
	}
}

func TestSharedSourceIgnoresOtherRuns(t *testing.T) {
	w := newWorld(t, ledger.Meta{}, outcomes(ack))
	other := newWorld(t, ledger.Meta{}, outcomes(ack), outcomes(ack))
	w.stored.records = append(w.stored.records, other.stored.records...)
	w.stored.traits.Exclusive = false
	r := w.verify()
	require.Empty(t, r.Failures())
	require.Equal(t, uint64(20), r.Others)
	w.stored.traits.Exclusive = true
	require.Equal(t, uint64(20), w.verify().Foreign)
}

func TestRecheckFindsWhatVanishesAndWhatComesLate(t *testing.T) {
	w := newWorld(t, ledger.Meta{}, outcomes(ack), outcomes(ack))
	first := true
	w.stored.later = func() {
		if first {
			w.stored.records = append(w.stored.records[1:], w.stored.records[5])
			first = false
		}
	}
	r := w.verify(func(o *Options) { o.Recheck = time.Millisecond })
	require.Equal(t, uint64(1), r.Recheck.Gone)
	require.Equal(t, uint64(1), r.Recheck.More)
	require.Len(t, r.Failures(), 2)
}

// A target that acknowledges first and stores later has lost what is not there yet; that it came is said, and does not excuse it.
func TestWhatIsStoredLaterIsLostAndSaidToHaveCome(t *testing.T) {
	w := newWorld(t, ledger.Meta{}, outcomes(ack), outcomes(ack))
	late := w.stored.records[15:]
	w.stored.records = w.stored.records[:15]
	w.stored.later = func() {
		w.stored.records = append(w.stored.records, late...)
		late = nil
	}
	r := w.verify(func(o *Options) { o.Recheck = time.Millisecond })
	require.Equal(t, uint64(5), r.Lost)
	require.Equal(t, uint64(5), r.Recheck.Arrived)
	var text strings.Builder
	require.NoError(t, r.WriteText(&text))
	require.Contains(t, text.String(), "5 records came after all within 1ms: the target answered before they could be found")
}

// Nor may what was refused be there later.
func TestWhatIsRefusedAndStoredLaterIsFound(t *testing.T) {
	w := newWorld(t, ledger.Meta{}, outcomes(ack), outcomes(refused))
	w.stored.later = func() { w.stored.add(w.sent[1].Logs); w.stored.later = nil }
	r := w.verify(func(o *Options) { o.Recheck = time.Millisecond })
	require.Zero(t, r.Phantom)
	require.Equal(t, uint64(10), r.Recheck.More)
	require.Len(t, r.Failures(), 1)
}

// A source that never stands still is looked at all the same, and the result says so: what came later is not in it.
func TestASourceThatNeverStandsStillIsSaid(t *testing.T) {
	w := newWorld(t, ledger.Meta{}, outcomes(ack))
	other := newWorld(t, ledger.Meta{}, outcomes(ack))
	w.stored.traits.Live, w.stored.traits.Exclusive = true, false
	w.stored.counted = func() { w.stored.add(other.sent[0].Logs) }
	r := w.verify(func(o *Options) { o.Settle, o.Timeout = time.Hour, time.Nanosecond })
	require.Empty(t, r.Failures())
	require.True(t, r.Unsettled)
	var text strings.Builder
	require.NoError(t, r.WriteText(&text))
	require.Contains(t, text.String(), "memory had not stood still for 1h0m0s when it was looked at: what came later is not in this")
}

func TestAnotherRecordingIsRefused(t *testing.T) {
	w := newWorld(t, ledger.Meta{}, outcomes(ack), outcomes(ack))
	w.sent = w.sent[:1]
	_, err := Run(t.Context(), w.options())
	require.ErrorContains(t, err, "is this the recording that was played?")
	w.sent[0].Request.Records = 3
	w.sent[0].Logs = w.logs(w.sent[0].Request)
	_, err = Run(t.Context(), w.options())
	require.ErrorContains(t, err, "has the recording changed?")
}

func TestTimeOrderedSourceIsJudgedByTime(t *testing.T) {
	w := newWorld(t, ledger.Meta{}, outcomes(ack))
	w.stored.traits.Order = ByTime
	require.Zero(t, w.verify().Order.Inversions)
	r := w.stored.records
	r[2], r[3] = r[3], r[2]
	require.Equal(t, Ordering{Streams: 1, Inversions: 1, MaxDisplacement: 1}, w.verify().Order)
}

// Whatever a pipeline does, the verdicts equal those of an oracle that knows how many copies it kept of each record.
func TestVerdictsEqualAnOracle(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		var requests [][]ledger.Outcome
		for range rapid.IntRange(1, 5).Draw(rt, "requests") {
			requests = append(requests, rapid.SliceOfN(rapid.SampledFrom([]ledger.Outcome{timeout, refused, open}), 0, 2).Draw(rt, "failures"))
			if last := &requests[len(requests)-1]; rapid.Bool().Draw(rt, "acked") || len(*last) == 0 {
				*last = append(*last, ack)
			}
		}
		w := newWorld(t, ledger.Meta{}, requests...)
		w.stored.records = nil
		want := map[Kind]uint64{}
		for i, s := range w.sent {
			acked, maybe := uint32(0), uint32(0)
			for _, o := range requests[i] {
				switch o {
				case ack:
					acked++
				case timeout, open:
					maybe++
				}
			}
			for r := range canon.Records(s.Logs) {
				kept := uint32(rapid.IntRange(0, 5).Draw(rt, "copies"))
				for range kept {
					w.stored.records = append(w.stored.records, r.Clone())
				}
				switch lo, hi := acked, acked+maybe; {
				case kept < lo:
					want[Lost]++
				case hi == 0 && kept > 0:
					want[Phantom]++
				case kept > hi:
					want[Duplicated]++
				case kept > 1:
					want[RetryDuplicate]++
				}
			}
		}
		r := w.verify()
		require.Equal(rt, [4]uint64{want[Lost], want[Phantom], want[Duplicated], want[RetryDuplicate]},
			[4]uint64{r.Lost, r.Phantom, r.Duplicated, r.RetryDuplicates})
	})
}

func TestCountsHoldAnyNumber(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const slots = 100
		c, want := newCounts(slots), [slots]uint32{}
		for range rapid.IntRange(0, 300).Draw(t, "adds") {
			slot, n := rapid.Uint64Range(0, slots-1).Draw(t, "slot"), rapid.Uint32Range(0, 4).Draw(t, "n")
			c.add(slot, n)
			want[slot] += n
		}
		for slot, n := range want {
			require.Equal(t, n, c.get(uint64(slot)))
		}
	})
}
