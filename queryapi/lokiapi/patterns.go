package lokiapi

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/instantdevlogs/devlogs/logql/pipeline"
	"github.com/instantdevlogs/devlogs/pattern"
	"github.com/instantdevlogs/devlogs/storage"
)

const (
	// maxPatternLines is how many lines are looked at. They are spread over the time range, so that a pattern's share of each
	// part of it is seen.
	maxPatternLines = 100_000
	maxPatternParts = 20
	maxPatterns     = 1000 // in an answer
	maxPatternSteps = 11_000
)

type patternSeries struct {
	Pattern string     `json:"pattern"`
	Level   string     `json:"level"`
	Samples [][2]int64 `json:"samples"` // seconds and how many, for each step

	total int64
}

// patterns answers /patterns: the templates that the lines of a query were made from, with how often over time.
func patterns(ctx context.Context, r *Request) (any, error) {
	f := newForm(r)
	q := f.logQuery()
	t := f.span(defaultSince)
	step := max(f.step(t), time.Second)
	if uint64(t.End-t.Start)/uint64(step) > maxPatternSteps {
		f.fail("exceeded maximum resolution of 11,000 points per time series. Try increasing the value of the step parameter")
	}
	if err := f.err(); err != nil {
		return nil, err
	}
	m := &patternCounter{miner: pattern.New(pattern.Config{}), span: t, step: uint64(step), counts: map[patternKey]map[int64]float64{}}
	parts := pcommon.Timestamp(maxPatternParts)
	for i := range parts {
		part := span{t.Start + (t.End-t.Start)/parts*i, t.Start + (t.End-t.Start)/parts*(i+1)}
		if i == parts-1 {
			part.End = t.End
		}
		total := uint64(0)
		for v, err := range r.Planner.Volumes(ctx, q, part.Start, part.End, 0) {
			if err != nil {
				return nil, err
			}
			total += v.Entries
		}
		if total == 0 {
			continue
		}
		plan, err := r.Planner.Log(ctx, part.logRequest(q, storage.NewestFirst, maxPatternLines/maxPatternParts))
		if err != nil {
			return nil, err
		}
		// a line stands for those that are not looked at
		weight := max(1, float64(total)/float64(maxPatternLines/maxPatternParts))
		for e, err := range plan.Entries(ctx) {
			if err != nil {
				return nil, err
			}
			m.add(e.Line, levelOf(e.Labels), e.Time, weight)
		}
	}
	return succeeded(m.series()), nil
}

func levelOf(labels []pipeline.Label) string {
	for _, l := range labels {
		if l.Name == "detected_level" {
			return strings.Clone(l.Value)
		}
	}
	return ""
}

type patternKey struct {
	id    int
	level string
}

// patternCounter counts templates by level and step.
type patternCounter struct {
	miner  *pattern.Miner
	span   span
	step   uint64
	counts map[patternKey]map[int64]float64 // by number of the step
}

func (m *patternCounter) add(line, level string, at int64, weight float64) {
	if strings.TrimSpace(line) == "" {
		return // its pattern would say nothing
	}
	template := m.miner.Add(line)
	if template == nil {
		return
	}
	key := patternKey{template.ID, level}
	if m.counts[key] == nil {
		m.counts[key] = map[int64]float64{}
	}
	m.counts[key][(at-int64(m.span.Start))/int64(m.step)] += weight
}

// series joins the templates that have become equal, those with most lines first.
func (m *patternCounter) series() []*patternSeries {
	all := []*patternSeries{}
	steps := int64(uint64(m.span.End-m.span.Start-1)/m.step) + 1
	for text, ids := range m.miner.ByText() {
		levels := map[string]map[int64]float64{}
		for key, counts := range m.counts {
			if !slices.Contains(ids, key.id) {
				continue
			}
			if levels[key.level] == nil {
				levels[key.level] = map[int64]float64{}
			}
			for step, n := range counts {
				levels[key.level][step] += n
			}
		}
		for level, counts := range levels {
			s := &patternSeries{Pattern: strings.ReplaceAll(text, pattern.Wildcard, "<_>"), Level: level}
			for step := range steps {
				n := int64(counts[step] + 0.5)
				s.total += n
				s.Samples = append(s.Samples, [2]int64{(int64(m.span.Start) + step*int64(m.step)) / 1e9, n})
			}
			all = append(all, s)
		}
	}
	slices.SortFunc(all, func(a, b *patternSeries) int {
		return cmp.Or(cmp.Compare(b.total, a.total), cmp.Compare(a.Pattern, b.Pattern), cmp.Compare(a.Level, b.Level))
	})
	return all[:min(maxPatterns, len(all))]
}
