package storage_test

import (
	"regexp"
	"regexp/syntax"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/instantdevlogs/devlogs/storage"
	"github.com/instantdevlogs/devlogs/storage/storagetest"
)

var body = storage.FieldRef{Kind: storage.FieldBody}

// gramTexts are texts whose letters have relatives, and such as logs have.
var gramTexts = rapid.OneOf(
	rapid.StringOf(rapid.SampledFrom([]rune("abkKsSzZ019 _-[{@`\x00éÉßẞσΣς\u212a\u017f日本語"))),
	rapid.SampledFrom([]string{"connection refused by peer", "Kelvin \u212a and ſharp S", "blk_7f3a91c2d0", "ERROR Timeout", "STRASSE Straße"}),
	rapid.String(),
)

func filterOf(texts ...string) []byte {
	var column storage.Strings
	for _, text := range texts {
		column.Bytes = append(column.Bytes, text...)
		column.Ends = append(column.Ends, uint32(len(column.Bytes)))
	}
	var g storage.Grams
	g.Add(&column)
	return g.Append(nil)
}

// mayHold asks a filter as a whole, and one of which only the blocks that are needed were kept.
func mayHold(filter []byte, where storage.Expr) bool {
	needles := storage.NeedlesOf(where)
	blocks, size := needles.Blocks(), len(filter)/storage.GramBlocks
	may := needles.MayHold(filter)
	if len(filter)%storage.GramBlocks == 0 && may != needles.MayHoldIn(func(block int) []byte {
		if !slices.Contains(blocks, block) {
			return make([]byte, 1)
		}
		return filter[block*size : (block+1)*size]
	}) {
		panic("a block that is not listed was needed")
	}
	return may
}

// matching draws a condition on bodies that nests so deep.
func matching(depth int, text string) *rapid.Generator[storage.Expr] {
	return rapid.Custom(func(t *rapid.T) storage.Expr {
		kinds := 2
		if depth > 0 {
			kinds = 5
		}
		list := func() []storage.Expr { return rapid.SliceOfN(matching(depth-1, text), 0, 3).Draw(t, "list") }
		switch rapid.IntRange(0, kinds-1).Draw(t, "kind") {
		case 0:
			return storage.Text{
				Field: body, Op: storage.TextOp(rapid.IntRange(0, 1).Draw(t, "op")), Value: part(t, text), Fold: rapid.Bool().Draw(t, "fold"),
			}
		case 1:
			return storage.Text{Field: body, Op: storage.TextMatch, Value: expression(t, 3, text)}
		case 2:
			return storage.And(list())
		case 3:
			return storage.Or(list())
		default:
			return storage.Not{X: matching(depth-1, text).Draw(t, "x")}
		}
	})
}

// part draws some of a text, in another case perhaps, and rarely something else.
func part(t *rapid.T, text string) string {
	runes := []rune(text)
	from := rapid.IntRange(0, len(runes)).Draw(t, "from")
	some := string(runes[from:rapid.IntRange(from, len(runes)).Draw(t, "to")])
	switch rapid.IntRange(0, 4).Draw(t, "change") {
	case 0:
		return strings.ToUpper(some)
	case 1:
		return strings.ToLower(some)
	case 2:
		return gramTexts.Draw(t, "other")
	}
	return some
}

// expression draws a regular expression that is likely to match the text.
func expression(t *rapid.T, depth int, text string) string {
	one := regexp.QuoteMeta(part(t, text))
	if depth == 0 {
		return one
	}
	more := func() string { return expression(t, depth-1, text) }
	return rapid.SampledFrom([]func() string{
		func() string { return one },
		func() string { return "(?i)" + one },
		func() string {
			return "(" + more() + ")" + rapid.SampledFrom([]string{"*", "+", "?", "{2}", "{0,3}", ""}).Draw(t, "times")
		},
		func() string { return "(?:" + more() + "|" + more() + ")" },
		func() string {
			return more() + rapid.SampledFrom([]string{"", ".*", ".", `\b`, "[a-z]", "[Kk]", `\pL`, "$", "^"}).Draw(t, "between") + more()
		},
	}).Draw(t, "shape")()
}

func TestAFilterNeverDeniesATextThatWasAdded(t *testing.T) {
	matched := 0
	rapid.Check(t, func(t *rapid.T) {
		texts := rapid.SliceOfN(gramTexts, 1, 5).Draw(t, "texts")
		text := rapid.SampledFrom(texts).Draw(t, "text")
		if !utf8Valid(text) {
			return
		}
		where := matching(2, text).Draw(t, "where")
		ok, err := storage.NewMatcher(where).Matches(&storage.Record{Body: text, Stream: &storage.Stream{}})
		if err != nil || !ok {
			return
		}
		matched++
		require.True(t, mayHold(filterOf(texts...), where), "%q matches %#v", text, where)
	})
	require.Positive(t, matched, "none of the conditions matched: nothing was tried")
}

func utf8Valid(s string) bool { return strings.ToValidUTF8(s, "") == s }

func TestAFilterDeniesWhatNoTextHolds(t *testing.T) {
	rows := &storage.Rows{}
	storage.Encode(rows, storagetest.Corpus(0, storage.GramRows), "", 1)
	var g storage.Grams
	g.Add(&rows.Body)
	filter := g.Append(nil)
	contains := func(text string) storage.Text {
		return storage.Text{Field: body, Op: storage.TextContains, Value: text}
	}
	folded := func(text string) storage.Text {
		return storage.Text{Field: body, Op: storage.TextContains, Value: text, Fold: true}
	}
	match := func(re string) storage.Text { return storage.Text{Field: body, Op: storage.TextMatch, Value: re} }
	absent, present := contains("quantum leap"), contains("connection refused")
	for _, where := range []storage.Expr{
		absent, folded("QUANTUM leap"), match("quantum leap"), match("(?i)q(uan)tum lea+"), match("^quantum.*x"), match("quantum|zyzzyva"),
		match("(quantum leap)+"), match("(quantum){2}"), storage.And{present, absent}, storage.Or{absent, match("zyzzyva")},
		storage.Text{Field: body, Value: "quantum leap"}, match("(session|connection) (quantum|zyzzyva)"), match(`\bquan\btum`),
	} {
		assert.False(t, mayHold(filter, where), "%+v", where)
	}
	for _, where := range []storage.Expr{
		nil, present, folded("CONNECTION Refused"), match("(?i)failed.*CONNECTION"), storage.Or{absent, present}, storage.Not{X: absent},
		contains("quan"), match("quan.um"), match("(quantum)?"), match("(quantum){0,2}"), match("quantum|"), storage.Or{absent, contains("")},
		storage.And{}, storage.Text{Field: storage.Attribute("a"), Value: "quantum leap"}, contains("quantum leap\xff"),
		folded("ſkſkſk"), match("a("), storage.And{present, storage.Has{Field: body}},
	} {
		assert.True(t, mayHold(filter, where), "%+v", where)
	}
	assert.True(t, mayHold(filter[:len(filter)-1], absent), "a filter of a length that is none may hold everything")
}

func TestAFilterKnowsWhichLettersHaveRelatives(t *testing.T) {
	filter := filterOf("zero \u212aelvin", "a \u017fharp tone", "\u00c9tude in C")
	for _, text := range []string{"zero kelvin", "ZERO KELVIN", "sharp tone", "A SHARP TONE", "\u00e9tude in c"} {
		assert.True(t, mayHold(filter, storage.Text{Field: body, Op: storage.TextContains, Value: text, Fold: true}), text)
		assert.True(t, mayHold(filter, storage.Text{Field: body, Op: storage.TextMatch, Value: "(?i)" + text}), text)
		assert.False(t, mayHold(filter, storage.Text{Field: body, Op: storage.TextContains, Value: text + " absent", Fold: true}), text)
	}
}

func TestAConditionThatNeedsNothingHasNoNeedles(t *testing.T) {
	absent := storage.Text{Field: body, Op: storage.TextContains, Value: "quantum leap"}
	for _, where := range []storage.Expr{
		nil, storage.Not{X: absent}, storage.Or{absent, storage.And{}}, storage.Or{}, storage.Text{Field: body, Op: storage.TextContains, Value: "quan"},
	} {
		needles := storage.NeedlesOf(where)
		assert.True(t, needles.None(), "%+v", where)
	}
	needles := storage.NeedlesOf(storage.Or{absent, absent})
	assert.False(t, needles.None())
}

func TestAFilterIsAsLongAsItsTextsNeed(t *testing.T) {
	const shortest = 8 * storage.GramBlocks
	require.Len(t, filterOf(), shortest)
	require.False(t, mayHold(filterOf(), storage.Text{Field: body, Op: storage.TextContains, Value: "absent"}))
	require.Len(t, filterOf("connection refused by peer"), shortest)
	var g storage.Grams
	g.Add(&storage.Strings{Bytes: []byte("connection refused"), Ends: []uint32{18}})
	g.Reset()
	require.Len(t, g.Append(nil), shortest, "nothing is left after Reset")
}

// FuzzNeedles: whatever the expression and the text, a match is never denied.
func FuzzNeedles(f *testing.F) {
	f.Add("(?i)connection (reset|timed out)", "CONNECTION timed out")
	f.Add("(?i)[k-m]elvin+", "\u212aelvinn")
	f.Fuzz(func(t *testing.T, pattern, text string) {
		re, err := regexp.Compile(pattern)
		if err != nil || !utf8Valid(text) || !re.MatchString(text) {
			return
		}
		if _, err := syntax.Parse(pattern, syntax.Perl); err != nil {
			return
		}
		require.True(t, mayHold(filterOf(text), storage.Text{Field: body, Op: storage.TextMatch, Value: pattern}))
	})
}

// BenchmarkGrams takes in the bodies of a filter's rows and writes it.
func BenchmarkGrams(b *testing.B) {
	rows := &storage.Rows{}
	storage.Encode(rows, storagetest.Corpus(0, storage.GramRows), "", 1)
	var g storage.Grams
	var filter []byte
	for b.Loop() {
		g.Reset()
		g.Add(&rows.Body)
		filter = g.Append(filter[:0])
	}
	records := float64(b.N * rows.Len())
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/records, "ns/record")
	b.ReportMetric(float64(len(rows.Body.Bytes))/float64(rows.Len()), "body-B/record")
	b.ReportMetric(float64(len(filter))/float64(rows.Len()), "B/record")
}
