package lokiapi

import (
	"cmp"
	"context"
	"slices"
	"strconv"

	"github.com/google/uuid"
)

type detectedLabelsAnswer struct {
	DetectedLabels []detectedLabel `json:"detectedLabels"`
}

type detectedLabel struct {
	Label       string `json:"label"`
	Cardinality int    `json:"cardinality"`
}

// telling are labels that are worth choosing by even when their values are ids.
var telling = []string{"cluster", "namespace", "instance", "pod"}

// detectedLabels answers /detected_labels: the labels that one can choose logs by. Those whose values are all numbers or ids
// are none.
func detectedLabels(ctx context.Context, r *Request) (any, error) {
	f := newForm(r)
	selector := f.selector(f.text("query"))
	t := f.span(defaultSince)
	if err := f.err(); err != nil {
		return nil, err
	}
	streams, err := r.Planner.Streams(ctx, selector, t.Start, t.End)
	if err != nil {
		return nil, err
	}
	values := map[string]map[string]struct{}{}
	for _, stream := range streams {
		for _, l := range stream {
			if values[l.Name] == nil {
				values[l.Name] = map[string]struct{}{}
			}
			values[l.Name][l.Value] = struct{}{}
		}
	}
	answer := &detectedLabelsAnswer{DetectedLabels: []detectedLabel{}}
	for name, of := range values {
		if slices.Contains(telling, name) || !allIDs(of) {
			answer.DetectedLabels = append(answer.DetectedLabels, detectedLabel{name, len(of)})
		}
	}
	slices.SortFunc(answer.DetectedLabels, func(a, b detectedLabel) int { return cmp.Compare(a.Label, b.Label) })
	return answer, nil
}

func allIDs(values map[string]struct{}) bool {
	for value := range values {
		_, notNumber := strconv.ParseFloat(value, 64)
		_, notID := uuid.Parse(value)
		if notNumber != nil && notID != nil {
			return false
		}
	}
	return true
}
