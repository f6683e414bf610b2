package pattern

import (
	"strings"
	"unicode/utf8"
)

// tokenise appends the tokens of a message to dst: what white space separates, with a wildcard for what holds a digit.
func (m *Miner) tokenise(dst []string, message string) []string {
	for token := range strings.FieldsSeq(clip(message, m.config.MaxLength)) {
		if len(dst) == m.config.MaxTokens {
			dst[len(dst)-1] = Wildcard // the rest, however long, so that a long message has one length
			break
		}
		dst = append(dst, maskDigits(token))
	}
	return dst
}

// maskDigits puts a wildcard in place of each run of letters and digits that holds a digit. Runs that only a point, colon,
// dash, slash or underscore separates are one: addresses, times, paths, UUIDs.
func maskDigits(token string) string {
	if !strings.ContainsAny(token, "0123456789") {
		return token
	}
	var b strings.Builder
	for i := 0; i < len(token); {
		end, digit := wordEnd(token, i)
		if end == i {
			b.WriteByte(token[i])
			i++
			continue
		}
		if !digit {
			b.WriteString(token[i:end])
			i = end
			continue
		}
		b.WriteString(Wildcard)
		for end+1 < len(token) && strings.IndexByte(".:-/_", token[end]) >= 0 {
			next, nextDigit := wordEnd(token, end+1)
			if next == end+1 || !nextDigit {
				break
			}
			end = next
		}
		i = end
	}
	return b.String()
}

// wordEnd is where the run of letters and digits that begins at i ends. All that is not ASCII is a letter.
func wordEnd(s string, i int) (end int, digit bool) {
	for end = i; end < len(s); end++ {
		switch c := s[end]; {
		case c >= '0' && c <= '9':
			digit = true
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= utf8.RuneSelf:
		default:
			return end, digit
		}
	}
	return end, digit
}

// clip cuts s to at most n bytes without cutting a character in two.
func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}
