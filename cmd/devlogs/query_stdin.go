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
// shown line by line as they are read; for numbers the lines go to a store of their own, in a folder that is removed again.
func (q *queryCommand) runStdin(ctx context.Context, in io.Reader, out *bufio.Writer) error {
	lines := newLineReader(in)
	if log, ok := q.expr.(*logql.LogQuery); ok {
		return q.filterLines(ctx, log, lines, out)
	}
	return q.countLines(ctx, q.expr.(logql.SampleExpr), lines, out)
}

// filterLines sends each line through the query.
func (q *queryCommand) filterLines(ctx context.Context, query *logql.LogQuery, lines *lineReader, out *bufio.Writer) error {
	if q.output == "csv" {
		return errors.New("--output csv with --stdin is for metric queries: use text, json or raw")
	}
	var stages []logql.Stage
	for _, m := range query.Selector {
		stages = append(stages, &logql.LabelFilter{Predicate: &logql.MatchPredicate{Matcher: m}})
	}
	compiled, err := pipeline.Compile(append(stages, query.Stages...), pipeline.Options{})
	if err != nil {
		return err
	}
	stream := demanded(query.Selector)
	write := q.printer(out)
	left := q.limit
	var entry pipeline.Entry
	for {
		l, err := lines.next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err := errors.Join(err, ctx.Err()); err != nil {
			return err
		}
		entry.Time, entry.Line = l.time.UnixNano(), l.text
		entry.Labels.Reset(stream, []pipeline.Label{{Name: "detected_level", Value: logplan.Level(0, l.level), Kind: pipeline.Metadata}})
		if compiled.Process(&entry) {
			record, err := lineRecord(&l, &entry)
			if err != nil {
				return err
			}
			if err := write(out, record); err != nil {
				return err
			}
			if left--; left == 0 {
				return nil
			}
		}
		if lines.in.Buffered() == 0 { // the next line may be long in coming
			if err := out.Flush(); err != nil {
				return err
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
