package main

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/instantdevlogs/devlogs/queryapi"
)

// table is an answer in rows.
type table struct {
	columns []string
	rows    [][]any
}

// tableFlags are the flags of commands that print tables.
type tableFlags struct{ output string }

func (t *tableFlags) addFlags(cmd *cobra.Command) {
	cmd.Flags().StringVarP(&t.output, "output", "o", "text", "text, json (one object a line) or csv")
}

func (t *tableFlags) check() error {
	if !slices.Contains([]string{"text", "json", "csv"}, t.output) {
		return fmt.Errorf("--output is %q: use text, json or csv", t.output)
	}
	return nil
}

// write prints the table: aligned columns for people, which leave out the header of a single one, or CSV, or one JSON object
// a line.
func (t *tableFlags) write(out io.Writer, all table) error {
	switch t.output {
	case "json":
		return all.json(out)
	case "csv":
		return all.csv(out)
	}
	aligned := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	if len(all.columns) > 1 {
		writeRow(aligned, all.columns)
	}
	for _, row := range all.rows {
		cells := make([]string, len(row))
		for i, cell := range row {
			cells[i] = harmless(cellText(cell))
		}
		writeRow(aligned, cells)
	}
	return aligned.Flush()
}

func writeRow(out io.Writer, cells []string) {
	for i, cell := range cells {
		if i < len(cells)-1 {
			cell += "\t"
		}
		_, _ = io.WriteString(out, cell) // Flush tells
	}
	_, _ = io.WriteString(out, "\n")
}

func (t *table) json(out io.Writer) error {
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	for _, row := range t.rows {
		object := map[string]any{}
		for i, column := range t.columns {
			object[column] = row[i]
		}
		if err := encoder.Encode(object); err != nil {
			return err
		}
	}
	return nil
}

func (t *table) csv(out io.Writer) error {
	w := csv.NewWriter(out)
	_ = w.Write(t.columns) // Error tells
	for _, row := range t.rows {
		cells := make([]string, len(row))
		for i, cell := range row {
			cells[i] = cellText(cell)
			if _, text := cell.(string); text {
				cells[i] = queryapi.InertCell(cells[i])
			}
		}
		_ = w.Write(cells)
	}
	w.Flush()
	return w.Error()
}

func cellText(cell any) string {
	switch cell := cell.(type) {
	case nil:
		return ""
	case []string:
		text := ""
		for i, s := range cell {
			if i > 0 {
				text += ", "
			}
			text += s
		}
		return text
	}
	return fmt.Sprint(cell)
}
