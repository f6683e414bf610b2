package storage

import (
	"encoding/binary"
	"math/bits"
)

// Grams tells of the texts of many records which ones they surely do not hold: a bitmap with one bit for the hash of each
// sequence of gramSize bytes in them, letters in either case alike. A text of some length is in none of them unless the bits
// of all its sequences are set (a Bloom filter over n-grams with one hash). Stores keep one for each GramRows rows or so, and
// need not look into rows whose filter lacks what a Needles needs.
//
// The zero value is empty. Not safe for concurrent use.
type Grams struct{ words [gramBits / 64]uint64 }

// Sequences of five bytes: of four, every hexadecimal one is somewhere in 20,480 records that name a request or block; of six,
// a word of ten letters has too few (docs/adr/0007-grams.md has the numbers).
const (
	gramSize = 5
	gramLog  = 19
	gramBits = 1 << gramLog
	gramHash = 0x9E3779B97F4A7C15 // 2^64 divided by the golden ratio (Knuth, "The Art of Computer Programming", volume 3, 6.4)

	// GramRows is how many rows a filter should be of: its bits are enough for them, and with fewer it takes more room.
	GramRows = 20480

	// GramBlocks is of how many blocks a filter consists.
	GramBlocks = 32
)

// anyCase makes letters lower case in each byte. What else it changes only makes sequences alike that are not.
const anyCase = 0x2020202020202020

// Add takes in all texts of a column, about a nanosecond for each byte.
func (g *Grams) Add(texts *Strings) {
	start := uint32(0)
	for _, end := range texts.Ends {
		g.add(texts.Bytes[start:end])
		start = end
	}
}

func (g *Grams) add(text []byte) {
	words := &g.words
	for ; len(text) >= 8; text = text[4:] { // four sequences at once
		const whole = ^uint64(1<<(64-8*gramSize) - 1)
		x := binary.LittleEndian.Uint64(text) | anyCase
		a, b, c, d := bitOf(x<<24), bitOf(x<<16&whole), bitOf(x<<8&whole), bitOf(x&whole)
		words[a/64] |= 1 << (a % 64)
		words[b/64] |= 1 << (b % 64)
		words[c/64] |= 1 << (c % 64)
		words[d/64] |= 1 << (d % 64)
	}
	for ; len(text) >= gramSize; text = text[1:] {
		bit := hashGram(text)
		words[bit/64] |= 1 << (bit % 64)
	}
}

// bitOf hashes a sequence, which is in the highest bytes.
func bitOf(x uint64) uint64 { return x * gramHash >> (64 - gramLog) }

// hashGram is the bit of the sequence that b begins with.
func hashGram(b []byte) uint64 {
	x := uint64(binary.LittleEndian.Uint32(b)) | uint64(b[gramSize-1])<<32
	return bitOf((x | anyCase) << (64 - 8*gramSize))
}

// Reset empties the filter.
func (g *Grams) Reset() { clear(g.words[:]) }

// Append writes the filter as a store keeps it: at most 64 KiB, whose length is a power of two. Where few bits are set,
// neighbouring words are laid over each other, again and again, so that a filter takes as much room as its texts need. It is in
// GramBlocks blocks of one length, of which a store may keep and read each by itself.
func (g *Grams) Append(dst []byte) []byte {
	words := g.words[:]
	for len(words) > GramBlocks && 6*ones(words) < 64*len(words) {
		half := make([]uint64, len(words)/2)
		for i := range half {
			half[i] = words[2*i] | words[2*i+1]
		}
		words = half
	}
	for _, word := range words {
		dst = binary.LittleEndian.AppendUint64(dst, word)
	}
	return dst
}

func ones(words []uint64) (n int) {
	for _, word := range words {
		n += bits.OnesCount64(word)
	}
	return n
}
