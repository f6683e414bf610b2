package duckdb

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestHeadStaysBeforeWhatIsNotCommitted(t *testing.T) {
	var s sequence
	s.start(10)
	require.EqualValues(t, 10, s.head())

	require.EqualValues(t, 10, s.take(0, 3), "11 to 13")
	require.EqualValues(t, 13, s.take(1, 2), "14 and 15")
	s.keep(1, 15)
	require.EqualValues(t, 10, s.head(), "11 to 13 may still come")
	s.keep(0, 13)
	require.EqualValues(t, 15, s.head())

	s.take(0, 5)
	s.leave(0)
	require.EqualValues(t, 15, s.head(), "16 to 20 never come, and nothing after them did")
	require.EqualValues(t, 20, s.take(1, 1), "places are not given twice")
	s.take(0, 1)
	s.keep(0, 22)
	require.EqualValues(t, 20, s.head(), "21 may still come")
	s.leave(1)
	require.EqualValues(t, 22, s.head())
}

func TestPlacesAreNotGivenAgainWhenTheStoreIsOpenedAgain(t *testing.T) {
	var s sequence
	s.start(1)
	s.take(0, 4) // what came of it is not known until the files are read again
	s.take(1, 1)
	s.keep(1, 6)
	require.EqualValues(t, 1, s.head())
	s.start(6)
	require.EqualValues(t, 6, s.head())
	require.EqualValues(t, 6, s.take(0, 1))

	s.start(6)
	require.EqualValues(t, 7, s.take(0, 1), "7 was given")
}
