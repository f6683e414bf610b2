// Package ab compares the speed of two versions of a pipeline on one machine.
//
// Machines drift, so the versions take turns (A B B A A B B A …): what disturbs one disturbs the other. A difference counts
// only when it is larger than a floor (5 %), larger than what runs of one version differ among themselves, and not likely to
// be chance (Mann-Whitney U test, golang.org/x/perf/benchmath).
package ab
