package lokiapi

import (
	"context"
	"slices"

	"github.com/instantdevlogs/devlogs/logql"
	"github.com/instantdevlogs/devlogs/logql/pipeline"
)

// labels answers /labels: the names of the resource's labels.
func labels(ctx context.Context, r *Request) (any, error) {
	return labelList(ctx, r, func(l pipeline.Label) (string, bool) { return l.Name, true })
}

// labelValues answers /label/{name}/values. A label that nothing has has no values.
func labelValues(ctx context.Context, r *Request) (any, error) {
	name := r.HTTP.PathValue("name")
	return labelList(ctx, r, func(l pipeline.Label) (string, bool) { return l.Value, l.Name == name })
}

// labelList gathers texts of the labels of the streams that query, a selector, selects.
func labelList(ctx context.Context, r *Request, pick func(pipeline.Label) (string, bool)) (any, error) {
	f := newForm(r)
	selector := f.selector(f.text("query"))
	t := f.span(labelsSince)
	if err := f.err(); err != nil {
		return nil, err
	}
	streams, err := r.Planner.Streams(ctx, selector, t.Start, t.End)
	if err != nil {
		return nil, err
	}
	distinct := map[string]struct{}{}
	list := []string{}
	for _, stream := range streams {
		for _, label := range stream {
			text, picked := pick(label)
			if _, known := distinct[text]; !picked || known {
				continue
			}
			distinct[text] = struct{}{}
			if list = append(list, text); len(list) > r.Limits.MaxGroups {
				return nil, &TooMuch{"max_groups", "there are too many labels or values in this range; select fewer streams with query"}
			}
		}
	}
	slices.Sort(list)
	return succeeded(list), nil
}

// series answers /series: the label sets of the streams that one of the selectors in match[] selects.
func series(ctx context.Context, r *Request) (any, error) {
	f := newForm(r)
	t := f.span(defaultSince)
	var selectors []logql.Selector
	for _, text := range append(f.values["match[]"], f.values["match"]...) {
		selectors = append(selectors, f.selector(text))
	}
	if len(selectors) == 0 {
		selectors = []logql.Selector{{}}
	}
	if err := f.err(); err != nil {
		return nil, err
	}
	if len(selectors) > maxMatches {
		return nil, &BadRequest{"match[] is given too often: at most 100 times"}
	}
	found := []map[string]string{}
	seen := map[string]struct{}{}
	for _, selector := range selectors {
		streams, err := r.Planner.Streams(ctx, selector, t.Start, t.End)
		if err != nil {
			return nil, err
		}
		for _, stream := range streams {
			set, key := map[string]string{}, ""
			for _, l := range stream {
				set[l.Name] = l.Value
				key += l.Name + "\xff" + l.Value + "\xff"
			}
			if _, known := seen[key]; known {
				continue
			}
			seen[key] = struct{}{}
			if found = append(found, set); len(found) > r.Limits.MaxGroups {
				return nil, &TooMuch{"max_groups", "there are too many streams in this range; select fewer with match[]"}
			}
		}
	}
	return succeeded(found), nil
}

// maxMatches bounds the selectors of one request, as each costs a reading of the catalogue.
const maxMatches = 100
