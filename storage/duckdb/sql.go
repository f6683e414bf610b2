package duckdb

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/instantdevlogs/devlogs/storage"
)

// statement is a SQL text under construction, with its arguments.
type statement struct {
	strings.Builder
	args []any
	// signed says that only rows are asked whose signature allows it: most of them have what is looked for.
	signed bool
}

// arg adds an argument and returns its place in the text.
func (s *statement) arg(v any) string {
	s.args = append(s.args, v)
	return "$" + strconv.Itoa(len(s.args))
}

func (s *statement) addf(format string, values ...any) { fmt.Fprintf(s, format, values...) }

// fromLogs writes a subquery over the partitions' logs: the given columns of the rows of q's tenant that meet one of the
// conditions, from the first to the last nanosecond. What may give another value each time it is asked, as random() may, is asked
// where it is written: that keeps DuckDB from merging the two steps of a condition, which would unpack the attributes of all rows.
func (s *statement) fromLogs(parts []held, columns, tenant string, conditions []condition, first, last uint64) {
	firstArg, lastArg := "", ""
	between := "("
	for _, p := range parts {
		from := fmt.Sprintf("%s.logs WHERE batch_seq <= %d", p.name, p.lastSeq)
		if first > p.minTime {
			if firstArg == "" {
				firstArg = s.arg(first)
			}
			from += " AND time >= " + firstArg
		}
		if last < p.maxTime {
			if lastArg == "" {
				lastArg = s.arg(last)
			}
			from += " AND time <= " + lastArg
		}
		if !p.onlyTenant(tenant) {
			from += " AND tenant = " + s.arg(tenant)
		}
		for _, where := range conditions {
			s.WriteString(between)
			between = " UNION ALL "
			from := from
			if where.scan != "" {
				from += " AND (" + where.scan + ")"
			}
			if where.rest == "" {
				s.addf("SELECT %s FROM %s", columns, from)
			} else {
				s.addf("SELECT %s FROM (SELECT *, (%s) AND random() < 2 AS holds FROM %s) WHERE holds", columns, where.rest, from)
			}
		}
	}
	s.WriteString(")")
}

// lastNano is the last nanosecond that a query covers; false when it covers nothing.
func lastNano(q *storage.Query) (uint64, bool) {
	if q.End == storage.EndOfTime {
		return uint64(q.End), true
	}
	return uint64(q.End) - 1, q.End > q.Start
}
