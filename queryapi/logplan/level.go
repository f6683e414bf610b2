package logplan

import (
	"regexp"
	"strings"

	"github.com/instantdevlogs/devlogs/storage"
)

// LevelUnknown is the level of records that have neither a severity number nor a text that says one.
const LevelUnknown = "unknown"

// levels are OTLP's six, each with its first severity number and the texts that mean it when a record has no number. json_log
// gives these words numbers of the same level (appendix B of OpenTelemetry's logs data model).
var levels = []struct {
	name  string
	from  int32
	texts []string
}{
	{"trace", 1, []string{"trace", "trc", "verbose", "finest", "finer"}},
	{"debug", 5, []string{"debug", "dbg", "fine"}},
	{"info", 9, []string{"info", "inf", "information", "informational", "notice"}},
	{"warn", 13, []string{"warn", "wrn", "warning"}},
	{"error", 17, []string{"error", "err", "severe", "crit", "alert", "panic"}},
	{"fatal", 21, []string{"fatal", "ftl", "critical", "emerg", "emergency"}},
}

// Level names the level of a record by its number, else by its text. It is the label detected_level.
func Level(severity int32, text string) string {
	name := LevelUnknown
	if severity > 0 {
		for _, l := range levels {
			if severity >= l.from {
				name = l.name
			}
		}
		return name
	}
	if text == "" {
		return name
	}
	for _, l := range levels {
		for _, t := range l.texts {
			if strings.EqualFold(t, text) {
				return l.name
			}
		}
	}
	return name
}

// LevelCondition holds for the records whose level is chosen, those of LevelUnknown too.
func LevelCondition(chosen func(level string) bool) storage.Expr {
	number := storage.FieldRef{Kind: storage.FieldSeverity}
	var numbers storage.Or
	var texts, all []string
	for i, l := range levels {
		all = append(all, l.texts...)
		if !chosen(l.name) {
			continue
		}
		texts = append(texts, l.texts...)
		from := storage.Number{Field: number, Op: storage.NumberGreaterEqual, Value: float64(l.from)}
		if i == len(levels)-1 {
			numbers = append(numbers, from)
		} else {
			numbers = append(numbers, storage.And{from, storage.Number{Field: number, Op: storage.NumberLess, Value: float64(levels[i+1].from)}})
		}
	}
	var byText storage.Or
	if len(texts) > 0 {
		byText = append(byText, levelText(texts))
	}
	if chosen(LevelUnknown) {
		byText = append(byText, storage.Not{X: levelText(all)})
	}
	if len(byText) == 0 {
		return numbers
	}
	none := storage.Number{Field: number, Op: storage.NumberLessEqual, Value: 0}
	return append(numbers, storage.And{none, byText})
}

func levelText(texts []string) storage.Expr {
	quoted := make([]string, len(texts))
	for i, t := range texts {
		quoted[i] = regexp.QuoteMeta(t)
	}
	return storage.Text{
		Field: storage.FieldRef{Kind: storage.FieldSeverityText}, Op: storage.TextMatch,
		Value: "(?i)^(" + strings.Join(quoted, "|") + ")$",
	}
}
