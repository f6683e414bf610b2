package source

import (
	"encoding/base64"
	"strings"
	"unicode/utf8"

	"github.com/instantdevlogs/devlogs/replay/canon"
)

// validText is what JSON leaves of text that is not UTF-8: U+FFFD for each wrong byte.
func validText(s []byte) []byte {
	if utf8.Valid(s) {
		return s
	}
	var b strings.Builder
	for len(s) > 0 {
		r, size := utf8.DecodeRune(s)
		b.WriteRune(r)
		s = s[size:]
	}
	return []byte(b.String())
}

// plainText turns a leaf into what plain JSON can hold.
func plainText(l *canon.Leaf) {
	l.Path = validText(l.Path)
	switch l.Kind {
	case canon.String:
		l.Value = validText(l.Value)
	case canon.Bytes:
		l.Kind, l.Value = canon.String, base64.StdEncoding.AppendEncode(nil, l.Value)
	case canon.Double:
		if s := string(l.Value); s == "NaN" || s == "+Inf" || s == "-Inf" {
			l.Kind = canon.String
		}
	}
}
