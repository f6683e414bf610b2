package main

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/instantdevlogs/devlogs/logql"
	"github.com/instantdevlogs/devlogs/queryapi/client"
)

// explanation is the answer of GET /api/v1/explain.
type explanation struct {
	Type  string
	Parts []struct {
		Query, Store, Where, Step, Why string
		Pushed, By, Rest               []string
	}
	Ran struct {
		Statements             []statement
		More                   int `json:"more_statements"`
		Records, Bytes, Points uint64
		Entries                int
		Seconds                float64
	}
}

// runExplain shows how a query is answered.
func (q *queryCommand) runExplain(ctx context.Context, api *client.Client, out *bufio.Writer) error {
	query := q.values(nil)
	query.Set("limit", strconv.Itoa(q.limit))
	if _, metric := q.expr.(logql.SampleExpr); metric && !q.instant {
		start, end, err := q.span(time.Now())
		if err != nil {
			return err
		}
		query.Set("step", cmp.Or(q.step, stepOf(q.expr, end.Sub(start)).String()))
	}
	var raw json.RawMessage
	if err := api.Get(ctx, "/api/v1/explain", query, &raw); err != nil {
		return err
	}
	if q.output == "json" {
		_, _ = out.Write(raw) // the last write tells
		return out.WriteByte('\n')
	}
	var x explanation
	if err := json.Unmarshal(raw, &x); err != nil {
		return fmt.Errorf("read the explanation: %w", err)
	}
	return x.print(out)
}

func (x *explanation) print(out *bufio.Writer) error {
	line := func(name, value string) {
		if value != "" {
			fmt.Fprintf(out, "  %-15s %s\n", name, harmless(value))
		}
	}
	for _, part := range x.Parts {
		fmt.Fprintln(out, harmless(part.Query))
		switch part.Store {
		case "search":
			line("the store", "finds records")
		case "aggregate":
			line("the store", "counts")
		default:
			line("the store", "is not asked")
		}
		line("it answers", strings.Join(part.Pushed, "   "))
		line("where", part.Where)
		line("grouped by", strings.Join(part.By, ", "))
		line("in buckets of", part.Step)
		line("devlogs runs", strings.Join(part.Rest, " "))
		line("because", part.Why)
	}
	for _, alike := range alikeStatements(x.Ran.Statements) {
		alike.print(out)
	}
	if x.Ran.More > 0 {
		fmt.Fprintf(out, "\n… and %d statements more\n", x.Ran.More)
	}
	_, err := fmt.Fprintf(out, "\n%d entries in %.0f ms; read %d records with %d bytes, and %d counts\n",
		x.Ran.Entries, x.Ran.Seconds*1000, x.Ran.Records, x.Ran.Bytes, x.Ran.Points)
	return err
}
