package postgres

import (
	"encoding/json"
	"fmt"

	"github.com/instantdevlogs/devlogs/storage"
)

// scan turns rows of logColumns, in binary format, into records.
type scan struct {
	record storage.Record
	micros int64
	nanos  uint16
	stream uint64
	raw    []byte

	texts map[string]string // short texts that come again and again
}

// row reads one row. The record is valid until the next call; its strings are for keeps.
func (s *scan) row(values [][]byte) error {
	s.record, s.raw = storage.Record{}, s.raw[:0]
	for i := range values {
		if values[i] != nil {
			logColumns[i].get(s, values[i])
		}
	}
	s.record.Time = fromMicros(s.micros, s.nanos)
	if len(s.raw) == 0 {
		return nil
	}
	var exact exactTexts
	if err := json.Unmarshal(s.raw, &exact); err != nil {
		return fmt.Errorf("read column raw of record %s: %w", s.record.ID, err)
	}
	s.record.Body, s.record.SeverityText, s.record.EventName = exact.Body, exact.SeverityText, exact.EventName
	return nil
}

// longestRepeated is up to what length a text is remembered.
const longestRepeated = 256

// repeated returns the text without making it anew each time.
func (s *scan) repeated(v []byte) string {
	if len(v) == 0 {
		return ""
	}
	if len(v) > longestRepeated {
		return string(v)
	}
	if t, ok := s.texts[string(v)]; ok {
		return t
	}
	if s.texts == nil || len(s.texts) > 1000 {
		s.texts = map[string]string{}
	}
	t := string(v)
	s.texts[t] = t
	return t
}
