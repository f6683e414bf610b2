package postgres

import (
	"strings"

	"github.com/instantdevlogs/devlogs/storage"
)

// words compiles what storage.ToldByWords is true of. TimescaleDB asks the dictionary of a column, for a thousand rows at a
// time: a twentieth of what looking into attributes costs.
func (s *statement) words(e storage.Expr) string {
	all := func(list []storage.Expr, operator string) string {
		texts := make([]string, len(list))
		for i, x := range list {
			texts[i] = s.words(x)
		}
		return "(" + strings.Join(texts, operator) + ")"
	}
	switch e := e.(type) {
	case storage.And:
		return all(e, " AND ")
	case storage.Or:
		return all(e, " OR ")
	case storage.Not:
		return "NOT " + s.words(e.X)
	}
	return "(words LIKE " + s.arg("%"+escapeLike(storage.WordOf(e.(storage.Text)))+"%", "text") + ")"
}

// asksWords tells whether words decide a part of what must hold all together.
func asksWords(where storage.Expr) bool {
	parts, ok := where.(storage.And)
	if !ok {
		return storage.ToldByWords(where)
	}
	for _, part := range parts {
		if storage.ToldByWords(part) {
			return true
		}
	}
	return false
}

// countWordless counts the rows whose words are not known.
func countWordless(rows *storage.Rows) (n int) {
	for i := range rows.Len() {
		if string(rows.Words.At(i)) == storage.WordsUnknown {
			n++
		}
	}
	return n
}
