package pattern

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func mine(messages ...string) *Miner {
	m := New(Config{})
	for _, message := range messages {
		m.Add(message)
	}
	return m
}

func texts(m *Miner) (all []string) {
	for _, t := range m.Templates() {
		all = append(all, fmt.Sprintf("%d %s", t.Count, t))
	}
	return all
}

func TestMessagesOfOneStatementShareATemplate(t *testing.T) {
	m := mine(
		"connected to 10.0.0.1:5432 in 12ms", "connected to 10.0.0.2:5432 in 7ms", "login of alice from 1.2.3.4 succeeded",
		"login of bob from 10.9.8.7 succeeded", "connected to db-3.internal in 1ms", "shutting down",
		`GET /api/cart/42?full=true HTTP/1.1 status=200 took=3ms,`, `GET /api/cart/7?full=true HTTP/1.1 status=404 took=39ms,`,
	)
	require.Equal(t, []string{
		"3 connected to <*> in <*>",
		"2 login of <*> from <*> succeeded",
		"2 GET /api/cart/<*>?full=true HTTP/<*> status=<*> took=<*>,",
		"1 shutting down",
	}, texts(m))
}

func TestMaskKeepsWhatSurroundsANumber(t *testing.T) {
	for in, want := range map[string]string{
		"plain": "plain", "id=42": "id=<*>", "[12:30:01.123]": "[<*>]", "0fb8a1e2-1c2d-4e5f-8a9b-0c1d2e3f4a5b": "<*>",
		"v1.2.3-rc": "<*>-rc", "über9": "<*>", "a1,b2": "<*>,<*>", "x-": "x-", "7": "<*>", "/users/7/": "/users/<*>/",
	} {
		require.Equal(t, want, maskDigits(in), in)
	}
}

func TestALimitedMinerCountsWhatItCannotKeep(t *testing.T) {
	m := New(Config{MaxTemplates: 2})
	for _, word := range []string{"a", "b", "c", "d", "a"} {
		m.Add(word + word)
	}
	require.Len(t, m.Templates(), 2)
	require.Equal(t, uint64(2), m.Overflow)
}

// A template matches every message that joined it: as many tokens, and equal wherever it has no wildcard.
func TestATemplateMatchesItsMessages(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := New(Config{MaxChildren: 3, MaxTokens: 6})
		words := []string{"user", "order", "12", "failed", "ok", "in=3", "é"}
		joined := map[*Template][][]string{}
		total := uint64(0)
		for range rapid.IntRange(1, 60).Draw(t, "messages") {
			message := strings.Join(rapid.SliceOfN(rapid.SampledFrom(words), 0, 8).Draw(t, "words"), " ")
			template := m.Add(message)
			joined[template] = append(joined[template], m.tokenise(nil, message))
			total++
		}
		for template, messages := range joined {
			require.Equal(t, uint64(len(messages)), template.Count)
			total -= template.Count
			for _, tokens := range messages {
				require.Len(t, tokens, len(template.tokens))
				for i, token := range template.tokens {
					require.True(t, token == Wildcard || token == tokens[i], "%s does not match %q", template, tokens)
				}
			}
		}
		require.Zero(t, total)
	})
}

func FuzzAdd(f *testing.F) {
	f.Add("a 1 b", "\xff\x00 é")
	f.Fuzz(func(t *testing.T, a, b string) {
		m := New(Config{MaxLength: 64, MaxTokens: 4})
		m.Add(a)
		m.Add(b)
		require.Equal(t, uint64(2), m.Templates()[0].Count+uint64(len(m.Templates())-1))
	})
}

func BenchmarkAdd(b *testing.B) {
	m := New(Config{})
	r := rand.New(rand.NewPCG(1, 2))
	var messages []string
	for range 1000 {
		messages = append(messages, fmt.Sprintf("service %d answered order %x for customer %d in %d ms with status=%d",
			r.IntN(10), r.Uint64(), r.IntN(1000), r.IntN(500), 200+r.IntN(300)))
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		m.Add(messages[i%len(messages)])
	}
}
