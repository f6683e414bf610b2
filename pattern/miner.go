package pattern

import (
	"cmp"
	"slices"
	"strings"
)

// Wildcard stands for what differs between the messages of a template.
const Wildcard = "<*>"

// Config of a Miner. Zero values get the defaults named, as in the paper but for the limits.
type Config struct {
	Depth        int     // leading tokens that choose a leaf; 2
	Similarity   float64 // share of equal tokens that makes a message one of a template's; 0.5
	MaxChildren  int     // different tokens that a node tells apart; 100
	MaxTemplates int     // templates kept; the messages beyond count as Overflow; 20,000
	MaxTokens    int     // tokens of a message that are looked at; 80
	MaxLength    int     // bytes of a message that are looked at; 4096
}

func (c *Config) complete() {
	c.Depth = cmp.Or(c.Depth, 2)
	c.Similarity = cmp.Or(c.Similarity, 0.5)
	c.MaxChildren = cmp.Or(c.MaxChildren, 100)
	c.MaxTemplates = cmp.Or(c.MaxTemplates, 20_000)
	c.MaxTokens = cmp.Or(c.MaxTokens, 80)
	c.MaxLength = cmp.Or(c.MaxLength, 4096)
}

// Template is a message with wildcards.
type Template struct {
	ID     int // 0, 1, 2… in the order of their first message
	Count  uint64
	Sample string // the first message
	tokens []string
}

// String is the template's text. It grows more general as messages join.
func (t *Template) String() string { return strings.Join(t.tokens, " ") }

// Miner finds templates. Not safe for concurrent use.
type Miner struct {
	config    Config
	roots     map[int]*node // by number of tokens
	templates []*Template
	scratch   []string

	// Overflow counts the messages that would have needed a template more than Config.MaxTemplates.
	Overflow uint64
}

type node struct {
	children map[string]*node
	leaf     []*Template
}

// New makes a miner.
func New(config Config) *Miner {
	config.complete()
	return &Miner{config: config, roots: map[int]*node{}}
}

// Add counts one message and returns its template, nil when there is no room for it.
func (m *Miner) Add(message string) *Template {
	m.scratch = m.tokenise(m.scratch[:0], message)
	leaf := m.descend(m.scratch)
	if t := m.closest(leaf, m.scratch); t != nil {
		t.generalise(m.scratch)
		t.Count++
		return t
	}
	if len(m.templates) == m.config.MaxTemplates {
		m.Overflow++
		return nil
	}
	t := &Template{ID: len(m.templates), Count: 1, Sample: clip(message, m.config.MaxLength), tokens: slices.Clone(m.scratch)}
	m.templates = append(m.templates, t)
	leaf.leaf = append(leaf.leaf, t)
	return t
}

// Templates lists all, those with most messages first. Templates that have become equal stay apart: see ByText.
func (m *Miner) Templates() []*Template {
	all := slices.Clone(m.templates)
	slices.SortStableFunc(all, func(a, b *Template) int { return cmp.Compare(b.Count, a.Count) })
	return all
}

// ByText groups the ids of templates by their text, as templates that began apart may grow equal.
func (m *Miner) ByText() map[string][]int {
	groups := map[string][]int{}
	for _, t := range m.templates {
		text := t.String()
		groups[text] = append(groups[text], t.ID)
	}
	return groups
}

// descend finds the leaf for tokens, growing the tree as needed.
func (m *Miner) descend(tokens []string) *node {
	n := m.roots[len(tokens)]
	if n == nil {
		n = &node{}
		m.roots[len(tokens)] = n
	}
	for _, token := range tokens[:min(m.config.Depth, len(tokens))] {
		if strings.Contains(token, Wildcard) {
			token = Wildcard
		}
		child := n.children[token]
		if child == nil {
			if len(n.children) >= m.config.MaxChildren {
				token = Wildcard // too many to tell apart: the rest share a child
			}
			if child = n.children[token]; child == nil {
				child = &node{}
				if n.children == nil {
					n.children = map[string]*node{}
				}
				n.children[token] = child
			}
		}
		n = child
	}
	return n
}

// closest returns the leaf's most similar template, nil when none is similar enough.
func (m *Miner) closest(leaf *node, tokens []string) *Template {
	var best *Template
	bestSame, bestWild := -1, 0
	for _, t := range leaf.leaf {
		same, wild := 0, 0
		for i, token := range t.tokens {
			switch token {
			case tokens[i]:
				same++
			case Wildcard:
				wild++
			}
		}
		if same > bestSame || same == bestSame && wild > bestWild {
			best, bestSame, bestWild = t, same, wild
		}
	}
	if best == nil || float64(bestSame) < m.config.Similarity*float64(len(tokens)) {
		return nil
	}
	return best
}

func (t *Template) generalise(tokens []string) {
	for i, token := range tokens {
		if t.tokens[i] != token {
			t.tokens[i] = Wildcard
		}
	}
}
