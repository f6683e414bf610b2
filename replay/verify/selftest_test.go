package verify

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/instantdevlogs/devlogs/replay/ledger"
)

func missed(proofs []Proof) (kinds []Kind) {
	for _, p := range proofs {
		if !p.Found {
			kinds = append(kinds, p.Fault)
		}
	}
	return kinds
}

func TestSelfTestFindsEveryFault(t *testing.T) {
	for _, order := range []Order{ByArrival, ByTime} {
		for _, identity := range identical {
			w := newWorld(t, ledger.Meta{Identity: identity}, outcomes(ack), outcomes(timeout, ack), outcomes(refused))
			w.stored.traits.Order = order
			proofs, err := SelfTest(t.Context(), w.options())
			require.NoError(t, err)
			require.Len(t, proofs, 5)
			require.Empty(t, missed(proofs))
			require.Empty(t, w.verify().Failures(), "the source must be as it was")
		}
	}
}

// A small run has many streams with one record each, and one with two.
func TestSelfTestFindsTwoNeighboursAmongManyStreams(t *testing.T) {
	w := newWorld(t, ledger.Meta{}, outcomes(ack), outcomes(ack))
	for i, r := range w.stored.records {
		if i != 11 {
			r.Resource.Attributes().PutInt("instance", int64(i))
		}
	}
	w.stored.records[18].Resource.Attributes().Remove("instance") // a partner for record 11
	proofs, err := SelfTest(t.Context(), w.options())
	require.NoError(t, err)
	require.Empty(t, missed(proofs))
}

func TestSelfTestSaysWhatItCouldNotInject(t *testing.T) {
	w := newWorld(t, ledger.Meta{}, outcomes(refused))
	proofs, err := SelfTest(t.Context(), w.options())
	require.NoError(t, err)
	require.Equal(t, []Kind{Lost, Duplicated, Mutated, Reordered}, missed(proofs))
	require.Contains(t, proofs[0].Note, "no record suits this fault")
}

// A verifier with any one check removed fails its self-test, for just the fault that this check is there for.
func TestSelfTestNoticesEveryMissingCheck(t *testing.T) {
	injected := []Kind{Lost, Duplicated, Mutated, Reordered, Phantom}
	for _, kind := range injected {
		t.Run("without "+string(kind), func(t *testing.T) {
			w := newWorld(t, ledger.Meta{}, outcomes(ack), outcomes(timeout, ack), outcomes(refused))
			checks := slices.DeleteFunc(slices.Clone(allChecks), func(c check) bool { return c.kind == kind })
			proofs, err := selfTest(t.Context(), w.options(), checks)
			require.NoError(t, err)
			require.Equal(t, []Kind{kind}, missed(proofs))
		})
	}
	// The other checks are about what the self-test can't inject without touching the run; TestEachFaultIsNamed and
	// TestRetryDuplicatesPassUnlessExactlyOnceIsAsked fail without them.
	for _, c := range allChecks {
		require.True(t, slices.Contains(injected, c.kind) || c.kind == Foreign || c.kind == RetryDuplicate, c.kind)
	}
}
