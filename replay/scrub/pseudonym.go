package scrub

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
)

// pseudonymiser replaces texts under a key.
type pseudonymiser struct{ key []byte }

// replace writes the pseudonym of text over it. Letters become letters of their case, digits digits; all else stays, so
// that what has a form keeps it. of tells uses apart: the same text has different pseudonyms in different rules.
func (p *pseudonymiser) replace(text []byte, of string) {
	mac := hmac.New(sha256.New, p.key)
	mac.Write([]byte(of))
	mac.Write([]byte{0})
	mac.Write(text)
	seed := mac.Sum(nil)
	var block [sha256.Size]byte
	used := len(block)
	counter := uint32(0)
	for i, c := range text {
		if used == len(block) {
			h := hmac.New(sha256.New, seed)
			h.Write(binary.BigEndian.AppendUint32(nil, counter))
			h.Sum(block[:0])
			counter, used = counter+1, 0
		}
		switch {
		case c >= '0' && c <= '9':
			text[i] = '0' + block[used]%10
		case c >= 'a' && c <= 'z':
			text[i] = 'a' + block[used]%26
		case c >= 'A' && c <= 'Z':
			text[i] = 'A' + block[used]%26
		case c >= 0x80:
			text[i] = 'x'
		default:
			continue
		}
		used++
	}
}

// Pseudonyms are told from what they stand for, so that scrubbing twice changes nothing and a scrubbed recording passes
// --fail-on-secrets: cards fail their check digit, mail is in a domain that does not exist, addresses are reserved ones.

func (p *pseudonymiser) email(text []byte) {
	p.replace(text, "email")
	for i := len(text) - 1; text[i] != '.'; i-- {
		text[i] = 'z'
	}
}

func isEmail(text []byte) bool {
	return len(bytes.Trim(text[bytes.LastIndexByte(text, '.')+1:], "z")) > 0
}

func (p *pseudonymiser) card(text []byte) {
	p.replace(text, "card")
	if last := len(text) - 1; luhn(text) {
		text[last] = '0' + (text[last]-'0'+1)%10
	}
}

func (p *pseudonymiser) bearer(text []byte) {
	p.replace(text, "bearer")
	copy(text, bearerMark)
}

const bearerMark = "xxxx"

func isBearer(text []byte) bool { return !bytes.HasPrefix(text, []byte(bearerMark)) }

// ip writes addresses of 240.0.0.0/4, of 0.0.0.0/8 where the length leaves no other, or of fd00::/8. Numbers keep their
// length.
func (p *pseudonymiser) ip(text []byte) {
	p.replace(text, "ip")
	if bytes.IndexByte(text, ':') >= 0 {
		for i, c := range text {
			if c >= 'g' && c <= 'z' || c >= 'G' && c <= 'Z' {
				text[i] = 'a' + c%6
			}
		}
		copy(text[:bytes.IndexByte(text, ':')], "fd")
		return
	}
	for n, number := range bytes.Split(text, []byte(".")) { // they share text's memory
		switch {
		case n == 0 && len(number) == 3:
			copy(number, "24")
		case n == 0:
			number[0] = '0'
		case len(number) == 3:
			number[0] = '1'
		case len(number) == 2:
			number[0] = '1' + number[0]%9
		}
	}
}

func isIP(text []byte) bool {
	// Browsers' versions, 141.0.0.0, look like addresses.
	return !bytes.HasSuffix(text, []byte(".0.0.0")) && text[0] != '0' && !bytes.HasPrefix(text, []byte("fd")) &&
		!(bytes.HasPrefix(text, []byte("24")) && bytes.IndexByte(text, '.') == 3 && text[2] <= '9')
}
