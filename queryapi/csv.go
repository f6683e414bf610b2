package queryapi

import (
	"encoding/csv"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/instantdevlogs/devlogs/queryapi/logplan"
	"github.com/instantdevlogs/devlogs/storage"
)

// csvHeader names the columns as the keys of the JSON form; scope is spread over three.
var csvHeader = []string{
	"id", "time", "time_unix_nano", "time_source", "observed_time", "observed_time_unix_nano", "severity_number", "severity_text",
	"level", "service", "body", "attributes", "dropped_attributes_count", "trace_id", "span_id", "flags", "event_name", "stream",
	"resource", "scope_name", "scope_version", "scope_attributes",
}

// csvRows writes RFC 4180: a header, then one row a record. attributes, resource, scope_attributes and bodies that are not
// text hold JSON. What a record does not have is empty.
//
// A spreadsheet takes a cell that starts with = + - or @ for a formula, and a formula can send data away. Text cells that
// start so, or with a tab or a carriage return, which spreadsheets skip, get a leading apostrophe, which they show as text.
type csvRows struct {
	out     *csv.Writer
	queried bool // line and labels follow the record
	scratch []byte
	cells   []string
}

func (c *csvRows) begin() error {
	header := csvHeader
	if c.queried {
		header = append(slices.Clone(header), "line", "labels")
	}
	if err := c.out.Write(header); err != nil {
		return err
	}
	return c.flush()
}

func (c *csvRows) row(entry *logplan.Entry) error {
	cells, err := c.appendCells(c.cells[:0], entry.Record)
	if err != nil {
		return fmt.Errorf("render record %s: %w", entry.Record.ID, err)
	}
	if c.queried {
		c.scratch = appendLabels(c.scratch[:0], entry.Labels)
		cells = append(cells, inert(entry.Line), string(c.scratch))
	}
	c.cells = cells
	if err := c.out.Write(cells); err != nil {
		return err
	}
	return c.flush()
}

// flush hands the row on to the export's buffer: csv.Writer has one of its own, which would hide a row from it.
func (c *csvRows) flush() error {
	c.out.Flush()
	return c.out.Error()
}

func (c *csvRows) fail(answer *apiError) error {
	line := strings.NewReplacer("\n", " ", "\r", " ").Replace(answer.Message)
	if err := c.out.Write([]string{"# error: " + line}); err != nil {
		return err
	}
	return c.flush()
}

func (c *csvRows) appendCells(cells []string, record *storage.Record) ([]string, error) {
	s := record.Stream
	severity, err := plainText(record.SeverityText)
	if err != nil {
		return nil, err
	}
	event, err := plainText(record.EventName)
	if err != nil {
		return nil, err
	}
	cells = append(cells, record.ID.String(), formatTime(record.Time), strconv.FormatUint(uint64(record.Time), 10))
	cells = append(cells, [...]string{storage.TimeOwn: "", storage.TimeObserved: "observed", storage.TimeArrival: "arrival"}[record.TimeSource])
	if record.Observed == 0 {
		cells = append(cells, "", "")
	} else {
		cells = append(cells, formatTime(record.Observed), strconv.FormatUint(uint64(record.Observed), 10))
	}
	cells = append(cells, strconv.Itoa(int(record.Severity)), inert(severity), logplan.Level(record.Severity, severity), inert(s.Service))
	body, err := c.body(record)
	if err != nil {
		return nil, err
	}
	attributes, err := c.plain(record.Attributes)
	if err != nil {
		return nil, err
	}
	cells = append(cells, body, attributes, optionalNumber(record.Dropped))
	cells = append(cells, optionalHex(record.TraceID[:]), optionalHex(record.SpanID[:]), optionalNumber(record.Flags), inert(event))
	resource, err := c.plain(s.Resource)
	if err != nil {
		return nil, err
	}
	scope, err := c.plain(s.Scope)
	if err != nil {
		return nil, err
	}
	return append(cells, strconv.FormatUint(s.ID, 10), resource, inert(s.ScopeName), inert(s.ScopeVersion), scope), nil
}

func (c *csvRows) body(record *storage.Record) (string, error) {
	switch record.BodyKind {
	case storage.BodyText:
		return inert(record.Body), nil
	case storage.BodyEmpty:
		return "", nil
	default:
		text, err := c.plain(record.Body)
		return inert(text), err
	}
}

func (c *csvRows) plain(typed string) (string, error) {
	if typed == "" {
		return "{}", nil
	}
	if !strings.Contains(typed, `"$`) {
		return typed, nil
	}
	var err error
	c.scratch, err = appendPlain(c.scratch[:0], typed)
	return string(c.scratch), err
}

// InertCell is the text of a CSV cell that spreadsheets show, where they would take s itself for a formula.
func InertCell(s string) string { return inert(s) }

func inert(s string) string {
	if s != "" && strings.IndexByte("=+-@\t\r", s[0]) >= 0 {
		return "'" + s
	}
	return s
}

func optionalHex(id []byte) string {
	for _, b := range id {
		if b != 0 {
			return hex.EncodeToString(id)
		}
	}
	return ""
}

func optionalNumber(n uint32) string {
	if n == 0 {
		return ""
	}
	return strconv.FormatUint(uint64(n), 10)
}
