package lokiapi

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/instantdevlogs/devlogs/logql/pipeline"
	"github.com/instantdevlogs/devlogs/queryapi/logplan"
)

// categorize is the encoding flag of clients that want to know which labels are the stream's, the record's and the query's.
const (
	encodingHeader = "X-Loki-Response-Encoding-Flags"
	categorize     = "categorize-labels"
)

func categorizes(r *http.Request) bool {
	for _, header := range r.Header.Values(encodingHeader) {
		for flag := range strings.SplitSeq(header, ",") {
			if strings.TrimSpace(flag) == categorize {
				return true
			}
		}
	}
	return false
}

// entries answers a log query. With an interval, entries closer than that to the one before are left out.
func entries(ctx context.Context, r *Request, ask logplan.LogRequest, interval time.Duration) (any, error) {
	limit := ask.Limit
	if interval > 0 {
		ask.Limit = 0 // how many entries it takes shows as they come
	}
	plan, err := r.Planner.Log(ctx, ask)
	if err != nil {
		return nil, err
	}
	out := newStreams(categorizes(r.HTTP), r.Limits.MaxBytes)
	var last int64
	for e, err := range plan.Entries(ctx) {
		if err != nil {
			return nil, err
		}
		if interval > 0 && out.n > 0 && max(e.Time-last, last-e.Time) < int64(interval) {
			continue
		}
		last = e.Time
		if err := out.add(e); err != nil {
			return nil, err
		}
		if out.n == limit {
			break
		}
	}
	answer := &result{ResultType: "streams", Result: out.list, Stats: r.stats(out.n)}
	if out.categorized {
		answer.EncodingFlags = []string{categorize}
	}
	return r.answered(answer), nil
}

// stream is the entries that share labels. An entry is ["nanoseconds", "line"], and behind these its own labels when they
// are told apart.
type stream struct {
	Stream map[string]string `json:"stream"`
	Values [][]any           `json:"values"`
}

// ownLabels are the labels of an entry that are not the stream's.
type ownLabels struct {
	StructuredMetadata map[string]string `json:"structuredMetadata,omitempty"`
	Parsed             map[string]string `json:"parsed,omitempty"`
}

// streams gathers entries by labels, in the order in which the labels come first.
type streams struct {
	categorized bool
	most, bytes int // of memory, about; most 0: no limit
	list        []*stream
	n           int
	known       map[string]*stream
	key         []byte
}

func newStreams(categorized bool, most int) *streams {
	return &streams{categorized: categorized, most: most, list: []*stream{}, known: map[string]*stream{}}
}

// add takes an entry, or says that it is one too much.
func (s *streams) add(e *logplan.Entry) error {
	s.bytes += fixedBytes + len(e.Line)
	if s.categorized {
		s.bytes += sizeOf(e.Labels, func(l pipeline.Label) bool { return l.Kind != pipeline.Stream })
	}
	if err := checkBytes(s.bytes, s.most); err != nil {
		return err
	}
	s.n++
	into := s.of(e.Labels)
	value := []any{strconv.FormatInt(e.Time, 10), strings.Clone(e.Line)}
	if s.categorized {
		value = append(value, ownOf(e.Labels))
	}
	into.Values = append(into.Values, value)
	return nil
}

// fixedBytes is what an entry or a label takes beside its texts, about.
const fixedBytes = 64

func sizeOf(labels []pipeline.Label, counts func(pipeline.Label) bool) (size int) {
	for _, l := range labels {
		if counts(l) {
			size += fixedBytes + len(l.Name) + len(l.Value)
		}
	}
	return size
}

// checkBytes holds what an answer keeps in memory to the server's limit; 0: none.
func checkBytes(bytes, most int) error {
	if most > 0 && bytes > most {
		return &TooMuch{"max_answer_bytes", fmt.Sprintf("the lines and labels of the answer have more than %d bytes", most)}
	}
	return nil
}

// of finds or adds the stream of an entry. Told apart, streams are kept apart by all labels too, as the entries of one
// stream of a pipeline's have them all in common.
func (s *streams) of(labels []pipeline.Label) *stream {
	s.key = s.key[:0]
	for _, l := range labels {
		if !s.categorized || l.Kind == pipeline.Stream {
			s.key = append(append(append(append(s.key, l.Name...), 0xff), l.Value...), 0xff)
		}
	}
	if known := s.known[string(s.key)]; known != nil {
		return known
	}
	s.bytes += sizeOf(labels, func(l pipeline.Label) bool { return !s.categorized || l.Kind == pipeline.Stream })
	added := &stream{Stream: map[string]string{}}
	for _, l := range labels {
		if !s.categorized || l.Kind == pipeline.Stream {
			added.Stream[strings.Clone(l.Name)] = strings.Clone(l.Value)
		}
	}
	s.known[string(s.key)] = added
	s.list = append(s.list, added)
	return added
}

func ownOf(labels []pipeline.Label) (own ownLabels) {
	put := func(to *map[string]string, l pipeline.Label) {
		if *to == nil {
			*to = map[string]string{}
		}
		(*to)[strings.Clone(l.Name)] = strings.Clone(l.Value)
	}
	for _, l := range labels {
		switch l.Kind {
		case pipeline.Metadata:
			put(&own.StructuredMetadata, l)
		case pipeline.Parsed:
			put(&own.Parsed, l)
		}
	}
	return own
}
