package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"time"

	"github.com/instantdevlogs/devlogs/logql"
	"github.com/instantdevlogs/devlogs/logql/pipeline"
	"github.com/instantdevlogs/devlogs/queryapi/client"
	"github.com/instantdevlogs/devlogs/queryapi/logplan"
)

// runStdin runs a query over lines without a server. The lines' labels are those that the selector demands with "=". Logs are
// shown line by line as they are read; for numbers the lines go to a store of their own, in a folder that is removed again. It
// tells whether there was anything to show; numbers say so themselves.
func (q *queryCommand) runStdin(ctx context.Context, in io.Reader, out *bufio.Writer) (shown bool, err error) {
	lines := newLineReader(in)
	if log, ok := q.expr.(*logql.LogQuery); ok {
		return q.filterLines(ctx, log, lines, out)
	}
	return true, q.countLines(ctx, q.expr.(logql.SampleExpr), lines, out)
}

// filterLines sends each line through the query, and tells whether one came out.
func (q *queryCommand) filterLines(ctx context.Context, query *logql.LogQuery, lines *lineReader, out *bufio.Writer) (shown bool, err error) {
	if q.output == "csv" {
		return false, errors.New("--output csv with --stdin is for metric queries: use text, json or raw")
	}
	var stages []logql.Stage
	for _, m := range query.Selector {
		stages = append(stages, &logql.LabelFilter{Predicate: &logql.MatchPredicate{Matcher: m}})
	}
	compiled, err := pipeline.Compile(append(stages, query.Stages...), pipeline.Options{})
	if err != nil {
		return false, err
	}
	stream := demanded(query.Selector)
	write := q.printer(out)
	left := q.limit
	var entry pipeline.Entry
	for {
		l, err := lines.next()
		if errors.Is(err, io.EOF) {
			return shown, nil
		}
		if err := errors.Join(err, ctx.Err()); err != nil {
			return shown, err
		}
		entry.Time, entry.Line = l.time.UnixNano(), l.text
		entry.Labels.Reset(stream, []pipeline.Label{{Name: "detected_level", Value: logplan.Level(0, l.level), Kind: pipeline.Metadata}})
		if compiled.Process(&entry) {
			record, err := lineRecord(&l, &entry)
			if err != nil {
				return shown, err
			}
			if err := write(out, record); err != nil {
				return shown, err
			}
			shown = true
			if left--; left == 0 {
				return shown, nil
			}
		}
		if lines.in.Buffered() == 0 { // the next line may be long in coming
			if err := out.Flush(); err != nil {
				return shown, err
			}
		}
	}
}

// lineRecord is a line and what a query made of it in the form that a server gives.
func lineRecord(l *line, entry *pipeline.Entry) (*client.Record, error) {
	record := &client.Record{Time: l.time, Level: logplan.Level(0, l.level), Line: &entry.Line, Labels: map[string]string{}}
	for _, label := range entry.Labels.AppendTo(nil) {
		record.Labels[label.Name] = label.Value
	}
	record.Service = record.Labels["service_name"]
	var err error
	record.JSON, err = json.Marshal(struct {
		Time   time.Time         `json:"time"`
		Line   string            `json:"line"`
		Labels map[string]string `json:"labels"`
	}{l.time, entry.Line, record.Labels})
	return record, err
}

// demanded are the labels that a selector demands with "=".
func demanded(s logql.Selector) (labels []pipeline.Label) {
	for _, m := range s {
		if m.Op == logql.MatchEqual && m.Value != "" {
			labels = append(labels, pipeline.Label{Name: m.Name, Value: m.Value, Kind: pipeline.Stream})
		}
	}
	return labels
}
