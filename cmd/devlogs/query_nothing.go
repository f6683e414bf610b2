package main

import (
	"context"
	"fmt"
	"io"
	"net/url"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/dustin/go-humanize/english"

	"github.com/instantdevlogs/devlogs/queryapi/client"
)

// nothingPatience bounds what counting for a hint may take: it must not keep people from their prompt.
const nothingPatience = 5 * time.Second

// explainNothing says what may be the reason when a query found nothing: a label that no record has, or where the logs are: in
// the time range, before it, or after it.
func (q *queryCommand) explainNothing(ctx context.Context, api *client.Client, out io.Writer) {
	ctx, stop := context.WithTimeout(ctx, nothingPatience)
	defer stop()
	if q.logql != "" {
		var planned struct{ Warnings []string }
		values := q.values(nil)
		values.Set("run", "false")
		if err := api.Get(ctx, "/api/v1/explain", values, &planned); err == nil && len(planned.Warnings) > 0 {
			printWarnings(out, planned.Warnings)
			return
		}
	}
	var stored struct {
		Records uint64
		MinTime time.Time `json:"min_time"`
		MaxTime time.Time `json:"max_time"`
	}
	now := time.Now()
	start, end, err := q.span(now)
	if err == nil {
		err = api.Get(ctx, "/api/v1/stats", nil, &stored)
	}
	switch {
	case err != nil:
		fmt.Fprintln(out, "Nothing matched.") // the query itself went well
		return
	case stored.Records == 0:
		fmt.Fprintln(out, "No logs are stored yet.")
		return
	}
	if q.traceID != "" && q.since == "" && q.start == "" {
		start = time.Unix(0, 0) // as the server does
	}
	if inside := countRecords(ctx, api, start, end); inside > 0 {
		fmt.Fprintf(out, "Nothing matched among the %s of this time range.\n", records(inside))
	} else {
		fmt.Fprintln(out, "Nothing matched: this time range has no records.")
	}
	show := func(t time.Time) string { return t.In(q.zone()).Format(time.DateTime) }
	if stored.MinTime.Before(start) && anyRecord(ctx, api, start) {
		fmt.Fprintf(out, "There %s stored, from %s to %s: --since or --start look further back.\n",
			english.PluralWord(int(stored.Records), "is 1 record", "are "+records(stored.Records)), show(stored.MinTime), show(stored.MaxTime))
	}
	after := stored.MaxTime.Add(time.Second).Truncate(time.Second) // the end is not part of a range
	if later := countRecords(ctx, api, end, after); later > 0 {
		than, from := "now (the sender's clock or time zone?)", "now"
		if q.end != "" && !end.Equal(now) {
			than, from = "this time range", "'"+show(end)+"'"
		}
		fmt.Fprintf(out, "%s later than %s: --start %s --end '%s' shows them.\n",
			english.PluralWord(int(later), "1 record is", records(later)+" are"), than, from, show(after))
	}
}

// countRecords counts what one tenant has in a range; 0 too when the server does not say.
func countRecords(ctx context.Context, api *client.Client, start, end time.Time) uint64 {
	if !start.Before(end) {
		return 0
	}
	var counted struct{ Entries uint64 }
	query := url.Values{"query": {"{}"}, "start": {nanoseconds(start)}, "end": {nanoseconds(end)}}
	if err := api.Get(ctx, "/loki/api/v1/index/stats", query, &counted); err != nil {
		return 0
	}
	return counted.Entries
}

// anyRecord tells whether the tenant has something before end. It looks at one record: what is before may be a lot.
func anyRecord(ctx context.Context, api *client.Client, end time.Time) bool {
	for _, err := range api.Logs(ctx, url.Values{"start": {"0"}, "end": {end.Format(time.RFC3339Nano)}}, 1) {
		return err == nil
	}
	return false
}

func records(n uint64) string {
	return humanize.Comma(int64(n)) + " " + english.PluralWord(int(n), "record", "")
}
