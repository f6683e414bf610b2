package engine

import "fmt"

// Limits bound what a query may cost. 0 means no limit.
type Limits struct {
	Steps   int // times at which a range query is evaluated
	Series  int // series in the answer
	Groups  int // series that are held at once below the answer; labels of more than a KiB count as one more for each
	Samples int // entries that are held at once by functions that need each of them: quantile_over_time, rate_counter
}

// DefaultLimits suit a server that many use at once.
var DefaultLimits = Limits{Steps: 11_000, Series: 500, Groups: 100_000, Samples: 5_000_000}

// LimitError says that a query needs more than it may.
type LimitError struct {
	Limit string // the name of the limit, as settings spell it
	Value int    // what it is set to
	Msg   string
}

func (e *LimitError) Error() string { return e.Msg }

// QueryError says that a query can't be evaluated over the data: the client has to change the query.
type QueryError struct{ Msg string }

func (e *QueryError) Error() string { return e.Msg }

func queryErrorf(format string, args ...any) *QueryError {
	return &QueryError{Msg: fmt.Sprintf(format, args...)}
}

func (l Limits) checkSteps(g Grid) error {
	if n := g.Steps(); l.Steps > 0 && n > l.Steps {
		return &LimitError{"max_query_steps", l.Steps, fmt.Sprintf(
			"exceeded maximum resolution of %d points per time series: the query asks for %d. Try increasing the step parameter", l.Steps, n)}
	}
	return nil
}

func (l Limits) checkSeries(n int) error {
	if l.Series > 0 && n > l.Series {
		return &LimitError{"max_query_series", l.Series, fmt.Sprintf(
			"maximum number of series (%d) reached for a single query; consider reducing query cardinality by adding more specific "+
				"stream selectors, reducing the time range, or aggregating results with functions like sum(), count() or topk()", l.Series)}
	}
	return nil
}

func (l Limits) checkGroups(n int) error {
	if l.Groups > 0 && n > l.Groups {
		return &LimitError{"max_query_groups", l.Groups, fmt.Sprintf(
			"the query keeps more than %d series apart, or such of long labels; group by fewer labels, as in sum by (service_name) (…), or drop labels "+
				"that differ from entry to entry, as in | drop trace_id, span_id", l.Groups)}
	}
	return nil
}

func (l Limits) checkSamples(n int) error {
	if l.Samples > 0 && n > l.Samples {
		return &LimitError{"max_query_samples", l.Samples, fmt.Sprintf(
			"a window holds more than %d entries, which quantile_over_time and rate_counter have to keep; use a shorter range or a "+
				"more specific selector", l.Samples)}
	}
	return nil
}
