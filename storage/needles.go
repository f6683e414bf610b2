package storage

import (
	"encoding/binary"
	"math/bits"
	"regexp/syntax"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Needles is what the body of a record must hold for a condition, as bits of a Grams: all of All, and for each list in Any one
// of its members. The empty Needles asks nothing: the condition may hold in any record.
type Needles struct {
	All []uint32 // ascending
	Any [][]Needles
}

// NeedlesOf finds what a condition needs in the body. What it cannot tell it leaves out, so that a record whose body lacks what
// it found never matches.
func NeedlesOf(where Expr) Needles {
	n := needlesOf(where)
	slices.Sort(n.All)
	n.All = slices.Compact(n.All)
	return n
}

// None tells that there is nothing to look for in a filter.
func (n *Needles) None() bool { return len(n.All) == 0 && len(n.Any) == 0 }

// MayHold tells whether one of the texts in a filter, as Grams.Append wrote it, may hold what is needed. A filter that is of no
// length that Append writes may hold everything.
func (n *Needles) MayHold(filter []byte) bool {
	size := len(filter) / GramBlocks
	return size*GramBlocks != len(filter) || n.MayHoldIn(func(block int) []byte { return filter[block*size : (block+1)*size] })
}

// Blocks lists the blocks of a filter that MayHoldIn looks into, in their order.
func (n *Needles) Blocks() []int {
	var blocks []int
	n.eachBit(func(bit uint32) { blocks = append(blocks, int(bit/blockBits)) })
	slices.Sort(blocks)
	return slices.Compact(blocks)
}

// MayHoldIn is MayHold for a filter of which block returns the blocks.
func (n *Needles) MayHoldIn(block func(int) []byte) bool {
	for _, bit := range n.All {
		if !isSet(block(int(bit/blockBits)), bit%blockBits) {
			return false
		}
	}
	for _, list := range n.Any {
		if !slices.ContainsFunc(list, func(one Needles) bool { return one.MayHoldIn(block) }) {
			return false
		}
	}
	return true
}

const blockBits = gramBits / GramBlocks

// isSet looks up a bit of a block, whose words stand for one word of the whole or several.
func isSet(block []byte, bit uint32) bool {
	if len(block) < 8 || len(block) > blockBits/8 || bits.OnesCount(uint(len(block))) != 1 {
		return true
	}
	word := bit / 64 / (blockBits / 8 / uint32(len(block)))
	return binary.LittleEndian.Uint64(block[8*word:])&(1<<(bit%64)) != 0
}

func (n *Needles) eachBit(yield func(uint32)) {
	for _, bit := range n.All {
		yield(bit)
	}
	for _, list := range n.Any {
		for i := range list {
			list[i].eachBit(yield)
		}
	}
}

func needlesOf(e Expr) (n Needles) {
	switch e := e.(type) {
	case And:
		for _, x := range e {
			n.and(needlesOf(x))
		}
	case Or:
		list := make([]Needles, len(e))
		for i, x := range e {
			list[i] = needlesOf(x)
		}
		n.or(list)
	case Text:
		if e.Field.Kind == FieldBody {
			return needlesOfText(e)
		}
	}
	return n
}

func (n *Needles) and(other Needles) {
	n.All = append(n.All, other.All...)
	n.Any = append(n.Any, other.Any...)
}

// or adds that one of the list is needed, unless one of them needs nothing.
func (n *Needles) or(list []Needles) {
	if len(list) > 0 && !slices.ContainsFunc(list, func(one Needles) bool { return one.None() }) {
		n.Any = append(n.Any, list)
	}
}

func needlesOfText(t Text) Needles {
	var run literal
	if t.Op == TextMatch {
		re, err := syntax.Parse(t.Value, syntax.Perl)
		if err != nil {
			return Needles{} // to be refused by who evaluates it
		}
		run.match(re)
		return run.finish()
	}
	if !utf8.ValidString(t.Value) {
		return Needles{} // stored text is UTF-8
	}
	for _, r := range t.Value {
		run.add(r, t.Fold)
	}
	return run.finish()
}

// literal gathers the texts that must stand in a match, one after another.
type literal struct {
	text  []byte // the last one so far
	needs Needles
}

// add lengthens the text by a rune, in any case of it when fold is set. Only ASCII has both cases in one bit, and not where a
// letter of another alphabet folds to it, as U+212A and U+017F do to k and s: there the text ends.
func (l *literal) add(r rune, fold bool) {
	if fold && unicode.SimpleFold(r) != r && (r >= utf8.RuneSelf || strings.ContainsRune("kKsS", r)) {
		l.end()
		return
	}
	l.text = utf8.AppendRune(l.text, r)
}

// end says that anything may follow.
func (l *literal) end() {
	for i := range len(l.text) - gramSize + 1 {
		l.needs.All = append(l.needs.All, uint32(hashGram(l.text[i:])))
	}
	l.text = l.text[:0]
}

func (l *literal) finish() Needles {
	l.end()
	return l.needs
}

// match adds what every match of an expression must hold.
func (l *literal) match(re *syntax.Regexp) {
	switch re.Op {
	case syntax.OpLiteral:
		for _, r := range re.Rune {
			l.add(r, re.Flags&syntax.FoldCase != 0)
		}
	case syntax.OpConcat, syntax.OpCapture:
		for _, sub := range re.Sub {
			l.match(sub)
		}
	case syntax.OpEmptyMatch, syntax.OpBeginLine, syntax.OpEndLine, syntax.OpBeginText, syntax.OpEndText,
		syntax.OpWordBoundary, syntax.OpNoWordBoundary:
		// Nothing stands there: the text goes on.
	case syntax.OpPlus:
		l.inside(re.Sub[0])
	case syntax.OpRepeat:
		if re.Min > 0 {
			l.inside(re.Sub[0])
		} else {
			l.end()
		}
	case syntax.OpAlternate:
		l.end()
		list := make([]Needles, len(re.Sub))
		for i, sub := range re.Sub {
			var branch literal
			branch.match(sub)
			list[i] = branch.finish()
		}
		l.needs.or(list)
	default:
		l.end()
	}
}

// inside adds an expression of which neither beginning nor end is known to touch what is beside it.
func (l *literal) inside(re *syntax.Regexp) {
	l.end()
	l.match(re)
	l.end()
}
