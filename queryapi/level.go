package queryapi

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/instantdevlogs/devlogs/storage"
)

// levelUnknown is the level of records that have neither a severity number nor a text that says one.
const levelUnknown = "unknown"

// levels are OTLP's six, each with its first severity number and the texts that mean it when a record has no number.
var levels = []struct {
	name  string
	from  int32
	texts []string
}{
	{"trace", 1, []string{"trace", "trc", "finest"}},
	{"debug", 5, []string{"debug", "dbg", "verbose", "fine", "finer"}},
	{"info", 9, []string{"info", "inf", "information", "informational", "notice"}},
	{"warn", 13, []string{"warn", "wrn", "warning"}},
	{"error", 17, []string{"error", "err", "severe"}},
	{"fatal", 21, []string{"fatal", "ftl", "critical", "crit", "panic", "alert", "emerg", "emergency"}},
}

// levelOf names the level of a record by its number, else by its text.
func levelOf(severity int32, text string) string {
	if severity > 0 {
		name := levels[0].name
		for _, l := range levels {
			if severity >= l.from {
				name = l.name
			}
		}
		return name
	}
	if text == "" {
		return levelUnknown
	}
	text = strings.ToLower(text)
	for _, l := range levels {
		if slices.Contains(l.texts, text) {
			return l.name
		}
	}
	return levelUnknown
}

// parseLevel reads a level's name, one of the texts that mean it, or a severity number, and gives the number it starts at.
func parseLevel(s string) (int32, error) {
	if n, err := strconv.ParseInt(s, 10, 32); err == nil && n >= 1 && n <= 24 {
		return int32(n), nil
	}
	name := levelOf(0, s)
	for _, l := range levels {
		if l.name == name {
			return l.from, nil
		}
	}
	return 0, fmt.Errorf("a level is trace, debug, info, warn, error, fatal or a severity number from 1 to 24, got %q", s)
}

// atLeast matches the records of a level or a more severe one.
func atLeast(severity int32) storage.Expr {
	number := storage.FieldRef{Kind: storage.FieldSeverity}
	var texts []string
	for _, l := range levels {
		if l.from >= severity {
			texts = append(texts, l.texts...)
		}
	}
	expr := storage.Or{storage.Number{Field: number, Op: storage.NumberGreaterEqual, Value: float64(severity)}}
	if len(texts) == 0 {
		return expr
	}
	for i, text := range texts {
		texts[i] = regexp.QuoteMeta(text)
	}
	return append(expr, storage.And{
		storage.Number{Field: number, Op: storage.NumberLessEqual, Value: 0},
		storage.Text{
			Field: storage.FieldRef{Kind: storage.FieldSeverityText}, Op: storage.TextMatch,
			Value: "(?i)^(" + strings.Join(texts, "|") + ")$",
		},
	})
}
