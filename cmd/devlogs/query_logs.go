package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/instantdevlogs/devlogs/queryapi/client"
)

// show writes the records and tells how many there were; for CSV, which the server writes, at least 1.
func (q *queryCommand) show(ctx context.Context, api *client.Client, cmd *cobra.Command, out *bufio.Writer, query url.Values) (int, error) {
	if q.output == "csv" {
		return 1, q.copyCSV(ctx, api, out, query)
	}
	write := q.printer(cmd.OutOrStdout())
	shown := 0
	// Newest last is the order of reading, but the newest come first: hold them until all are there.
	var held []client.Record
	hold := query.Get("direction") == "backward" && !q.reverse
	for record, err := range api.Logs(ctx, query, q.limit) {
		if err != nil {
			return shown, err
		}
		shown++
		if hold {
			held = append(held, record)
		} else if err := write(out, &record); err != nil {
			return shown, err
		}
	}
	for _, record := range slices.Backward(held) {
		if err := write(out, &record); err != nil {
			return shown, err
		}
	}
	return shown, nil
}

// printer gives what writes a record.
func (q *queryCommand) printer(terminal io.Writer) func(*bufio.Writer, *client.Record) error {
	return recordPrinter(q.output, q.color, q.utc, q.multiline, terminal)
}

func recordPrinter(output, color string, utc, multiline bool, terminal io.Writer) func(*bufio.Writer, *client.Record) error {
	switch output {
	case "json":
		return writeJSON
	case "raw":
		if isTerminal(terminal) {
			return writeRawHarmless
		}
		return writeRaw
	}
	return newTextPrinter(color, utc, multiline, terminal).write
}

// writeRaw writes the line alone, as it is: it is for other programs.
func writeRaw(out *bufio.Writer, record *client.Record) error {
	_, _ = out.WriteString(lineText(record)) // the last write tells
	return out.WriteByte('\n')
}

// writeRawHarmless writes the line for a person to read.
func writeRawHarmless(out *bufio.Writer, record *client.Record) error {
	for text := range strings.SplitSeq(strings.TrimSuffix(lineText(record), "\n"), "\n") {
		_, _ = out.WriteString(harmless(text) + "\n")
	}
	return nil // out keeps an error
}

// writeJSON escapes the control characters that JSON does not: some terminals act on them.
func writeJSON(out *bufio.Writer, record *client.Record) error {
	_, _ = jsonControls.WriteString(out, string(record.JSON)) // the last write tells
	return out.WriteByte('\n')
}

// jsonControls writes DEL and the controls of Latin 1, which in JSON stand in strings only, as escapes.
var jsonControls = func() *strings.Replacer {
	pairs := []string{"\x7f", `\u007f`}
	for r := '\u0080'; r <= '\u009f'; r++ {
		pairs = append(pairs, string(r), fmt.Sprintf(`\u%04x`, r))
	}
	return strings.NewReplacer(pairs...)
}()

func (q *queryCommand) copyCSV(ctx context.Context, api *client.Client, out io.Writer, query url.Values) error {
	query.Set("format", "csv")
	if q.limit > 0 {
		query.Set("limit", strconv.Itoa(q.limit))
	}
	body, err := api.Stream(ctx, "/api/v1/logs", query)
	if err != nil {
		return err
	}
	defer body.Close()
	if _, err := io.Copy(out, body); err != nil {
		return fmt.Errorf("the export ended early, its last lines may say why: %w", err)
	}
	return nil
}

func printWarnings(out io.Writer, warnings []string) {
	for _, warning := range warnings {
		fmt.Fprintf(out, "Note: %s\n", harmless(warning))
	}
}
