package storage

import (
	"strings"
	"unicode/utf8"

	"github.com/zeebo/xxh3"
)

// A record's signature is a Bloom filter over its attributes, 64 bits wide: the text of each value at each path of keys sets
// signatureBits of them. A store that keeps it as a column rules most records out before it unpacks any attributes; the exact
// condition stays behind it, so a signature may hold too many bits and never too few. All ones says nothing of a record.
//
// Signatures are stored, so which bits a value sets never changes: h is XXH3 (64 bits, seed 0) of the first key; below it XXH3
// of each further key with the h before it as seed; at the end XXH3 of the value's text with h as seed, whose lowest three
// groups of six bits number the bits. With them, a record of 3 attributes passes for a value that it lacks once in 400 times,
// one of 10 once in 20 times, one of 20 once in 4.
const signatureBits = 3

// signatureAlternatives is how many SignaturesOf gives at most.
const signatureAlternatives = 16

// signer adds what is below one path to a signature, and to the words what is under a key outside of maps; the zero signer adds
// nothing.
type signer struct {
	bits  *uint64
	path  uint64
	words *[]byte // nil within maps
	key   string
	inMap bool // the next key is one within a map
}

// under is the signer for what the key holds.
func (s signer) under(key string) signer {
	if s.bits != nil {
		s.path = xxh3.HashStringSeed(key, s.path)
	}
	if s.inMap {
		s.words = nil
	}
	s.key, s.inMap = key, true
	return s
}

// add adds a value by its text in typed JSON, which must not be a string's.
func (s signer) add(text []byte) {
	if s.bits != nil {
		*s.bits |= signatureOf(xxh3.HashSeed(text, s.path))
	}
	if s.words != nil {
		*s.words = appendWord(*s.words, s.key, text)
	}
}

func (s signer) addString(text string) {
	if s.bits != nil {
		*s.bits |= signatureOf(xxh3.HashStringSeed(text, s.path))
	}
	if s.words != nil {
		*s.words = appendWord(*s.words, s.key, text)
	}
}

func signatureOf(hash uint64) (bits uint64) {
	for range signatureBits {
		bits |= 1 << (hash & 63)
		hash >>= 6
	}
	return bits
}

// SignaturesOf gives what a condition implies for Rows.Signature: a record that where holds for has every bit of one of them,
// at least. It gives none when the condition implies nothing; and never more than 16.
func SignaturesOf(where Expr) []uint64 {
	switch e := where.(type) {
	case And:
		var all []uint64
		for _, part := range e {
			all = both(all, SignaturesOf(part))
		}
		return all
	case Or:
		var any []uint64
		for _, part := range e {
			of := SignaturesOf(part)
			if of == nil || len(any)+len(of) > signatureAlternatives {
				return nil
			}
			any = append(any, of...)
		}
		return any
	case Text:
		return signatureOfText(e)
	}
	return nil
}

// both joins what two conditions imply that hold at once. Where that is too much, what one of them implies is enough.
func both(a, b []uint64) []uint64 {
	switch {
	case a == nil:
		return b
	case b == nil:
		return a
	case len(a)*len(b) > signatureAlternatives && len(a) <= len(b):
		return a
	case len(a)*len(b) > signatureAlternatives:
		return b
	}
	joined := make([]uint64, 0, len(a)*len(b))
	for _, x := range a {
		for _, y := range b {
			joined = append(joined, x|y)
		}
	}
	return joined
}

// signatureOfText says nothing of texts that a map, a list or one of the "$" forms of typed JSON may have, as only scalars are
// signed, nor of "", which is also the text of what is absent.
func signatureOfText(t Text) []uint64 {
	if t.Field.Kind != FieldAttribute || t.Op != TextEqual || t.Fold || len(t.Field.Path) == 0 ||
		t.Value == "" || strings.ContainsRune("{[", rune(t.Value[0])) || !utf8.ValidString(t.Value) {
		return nil
	}
	path := uint64(0)
	for _, key := range t.Field.Path {
		if !plainKey(key) {
			return nil
		}
		path = xxh3.HashStringSeed(key, path)
	}
	return []uint64{signatureOf(xxh3.HashStringSeed(t.Value, path))}
}
