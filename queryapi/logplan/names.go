package logplan

import (
	"strings"

	"github.com/instantdevlogs/devlogs/storage"
)

// Names that records have beside their attributes. They are those that Loki's OTLP intake gives.
const (
	nameDetectedLevel = "detected_level"
	nameScopeName     = "scope_name"
	nameScopeVersion  = "scope_version"
)

// recordField is a field that each record may have.
type recordField struct {
	kind storage.FieldKind
	zero bool // its text is "0" where the record has none
}

var recordFields = map[string]recordField{
	"trace_id":           {storage.FieldTraceID, false},
	"span_id":            {storage.FieldSpanID, false},
	"severity_text":      {storage.FieldSeverityText, false},
	"severity_number":    {storage.FieldSeverity, true},
	"event_name":         {storage.FieldEventName, false},
	"flags":              {storage.FieldFlags, true},
	"observed_timestamp": {storage.FieldObserved, true},
}

// LabelName is an attribute's key as a label: what is not a letter, a digit or an underscore becomes an underscore, and a
// leading digit gets "key_" before it. It is the rule of Prometheus' and Loki's OTLP intake.
func LabelName(key string) string {
	plain := key != "" && (key[0] < '0' || key[0] > '9')
	for i := 0; i < len(key) && plain; i++ {
		plain = isNameByte(key[i])
	}
	if plain {
		return key
	}
	label := strings.Map(func(c rune) rune {
		if c < 0x80 && isNameByte(byte(c)) {
			return c
		}
		return '_'
	}, key)
	if label != "" && label[0] >= '0' && label[0] <= '9' {
		return "key_" + label
	}
	return label
}

func isNameByte(c byte) bool {
	return c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}
