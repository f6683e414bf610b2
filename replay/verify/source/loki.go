package source

import (
	"context"
	"encoding/hex"
	"fmt"
	"iter"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/instantdevlogs/devlogs/replay/canon"
	"github.com/instantdevlogs/devlogs/replay/ledger"
	"github.com/instantdevlogs/devlogs/replay/verify"
)

// Loki reads any server that speaks Loki's HTTP API, page by page.
//
// Loki keeps attributes as text, under names of letters, digits and underscores, resource and record attributes in one
// list. So that is how records are compared here: see lokiKeeps for what can't be.
type Loki struct {
	*client
	query string
}

// lokiPage is how many entries are asked for at once: Loki's default limit.
const lokiPage = 5000

// OpenLoki takes the API's base URL; ?query= narrows it to a selector.
func OpenLoki(text string) (*Loki, error) {
	c, rest, err := newClient(text)
	if err != nil {
		return nil, err
	}
	l := &Loki{client: c, query: `{service_name=~".+"}`}
	if q := rest.Get("query"); q != "" {
		l.query = q
	}
	rest.Del("query")
	for option := range rest {
		return nil, fmt.Errorf("loki=%s: there is no option %q, only query, tenant and exclusive", text, option)
	}
	return l, nil
}

// Traits implements verify.Source.
func (l *Loki) Traits() verify.Traits {
	return verify.Traits{Name: "Loki at " + l.base.Host, Live: true, Exclusive: l.exclusive, Order: verify.ByTime, Keeps: lokiKeeps}
}

// lokiKeeps turns a leaf into what Loki makes of it. Arrays and maps as bodies, which Loki writes as JSON,
// are left out, with the texts that look the same, as are the names that Loki adds by itself, and empty texts,
// which it does not keep.
func lokiKeeps(leaf *canon.Leaf) bool {
	path := string(leaf.Path)
	if strings.ContainsRune(path, '[') || leaf.Kind == canon.Map || leaf.Kind == canon.Array || leaf.Kind == canon.Null {
		return false
	}
	switch path {
	case "time":
		return true
	case "body":
		lokiText(leaf)
		return !perhapsNoText(leaf.Value)
	case "scope.name", "scope.version":
		path = strings.Replace(path, ".", "_", 1)
	case "observed_time":
		path = "observed_timestamp"
	case "severity_number", "severity_text", "trace_id", "span_id", "flags", "event_name":
	default:
		rest, ok := path, false
		for _, prefix := range [...]string{"resource.", "scope.attributes.", "attributes."} {
			if rest, ok = strings.CutPrefix(path, prefix); ok {
				break
			}
		}
		switch {
		case !ok, path == "resource.schema_url", path == "resource.dropped_attributes_count":
			return false
		}
		path = rest
	}
	lokiText(leaf)
	leaf.Path = append([]byte("label."), labelName(path)...)
	return !perhapsNoText(leaf.Value) && !lokiAdds(string(leaf.Path), string(leaf.Value))
}

// lokiText writes a value as Loki does.
func lokiText(leaf *canon.Leaf) {
	plainText(leaf)
	if leaf.Kind == canon.Double {
		leaf.Value = []byte(doubleText(leaf.Value))
	}
	leaf.Kind = canon.String
}

// perhapsNoText says that Loki would have made the same text of something else: of nothing, an array or a map.
func perhapsNoText(text []byte) bool { return len(text) == 0 || text[0] == '[' || text[0] == '{' }

// lokiAdds names the labels that Loki makes itself.
func lokiAdds(path, text string) bool {
	return path == "label.detected_level" || path == "label.service_name" && text == "unknown_service"
}

func doubleText(text []byte) string {
	f, err := strconv.ParseFloat(string(text), 64)
	if err != nil {
		return string(text)
	}
	return pcommon.NewValueDouble(f).AsString()
}

func labelName(s string) string {
	var b strings.Builder
	for i, c := range s {
		switch {
		case c == '_', c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9' && i > 0:
			b.WriteRune(c)
		case c >= '0' && c <= '9':
			b.WriteString("key_")
			b.WriteRune(c)
		default:
			b.WriteByte('_')
		}
	}
	return b.String()
}

// lokiAnswer is a query's answer in the encoding that keeps labels and structured metadata.
type lokiAnswer struct {
	Data struct {
		Result []struct {
			Stream map[string]string `json:"stream"`
			Values [][2]string       `json:"values"`
		} `json:"result"`
	} `json:"data"`
}

// countStep is the longest range that is counted in one query: servers bound it, Loki to 721 hours if not told otherwise.
const countStep = pcommon.Timestamp(30 * 24 * time.Hour)

// Count implements verify.Source. It counts the window only, as servers answer for no range of any length.
func (l *Loki) Count(ctx context.Context, w verify.Window) (all uint64, err error) {
	for from := w.From; from < w.To; from += countStep {
		n, err := l.countRange(ctx, from, min(w.To-from, countStep))
		if err != nil {
			return 0, err
		}
		all += n
	}
	return all, nil
}

// countRange counts what lies in length after from, to the millisecond.
func (l *Loki) countRange(ctx context.Context, from, length pcommon.Timestamp) (uint64, error) {
	var answer struct {
		Data struct {
			Result []struct {
				Value [2]any `json:"value"`
			} `json:"result"`
		} `json:"data"`
	}
	err := l.getJSON(ctx, "/loki/api/v1/query", url.Values{
		"query": {fmt.Sprintf("sum(count_over_time(%s[%dms]))", l.query, (length+999_999)/1_000_000)}, "time": {strconv.FormatUint(uint64(from+length), 10)},
	}, nil, &answer)
	if err != nil || len(answer.Data.Result) == 0 {
		return 0, err
	}
	n, err := strconv.ParseUint(fmt.Sprint(answer.Data.Result[0].Value[1]), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("read the count: %w", err)
	}
	return n, nil
}

// Scan implements verify.Source.
func (l *Loki) Scan(ctx context.Context, w verify.Window) iter.Seq2[*canon.Record, error] {
	return func(yield func(*canon.Record, error) bool) {
		limit := lokiPage
		for from := w.From; from <= w.To; {
			page, err := l.page(ctx, l.query, from, w.To+1, limit)
			if err != nil {
				yield(nil, err)
				return
			}
			// A page may end in the middle of a nanosecond. What is of its last one is read again with the next page.
			whole := len(page)
			if whole >= limit {
				last := page[len(page)-1].time
				whole = slices.IndexFunc(page, func(e entry) bool { return e.time == last })
			}
			if whole == 0 && len(page) > 0 {
				if limit *= 2; limit > 64*lokiPage {
					yield(nil, fmt.Errorf("more than %d entries share the time %d: Loki's API can't page through them", limit, page[0].time))
					return
				}
				continue
			}
			for _, e := range page[:whole] {
				if !yield(e.record(), nil) {
					return
				}
			}
			if len(page) < limit {
				return
			}
			from = page[whole].time
			limit = lokiPage
		}
	}
}

type entry struct {
	time   pcommon.Timestamp
	line   string
	labels map[string]string
}

// page returns entries ordered by time.
func (l *Loki) page(ctx context.Context, query string, from, to pcommon.Timestamp, limit int) ([]entry, error) {
	var answer lokiAnswer
	err := l.getJSON(ctx, "/loki/api/v1/query_range", url.Values{
		"query": {query}, "direction": {"forward"}, "limit": {strconv.Itoa(limit)},
		"start": {strconv.FormatUint(uint64(from), 10)}, "end": {strconv.FormatUint(uint64(to), 10)},
	}, http.Header{}, &answer)
	if err != nil {
		return nil, err
	}
	var page []entry
	for _, stream := range answer.Data.Result {
		for _, v := range stream.Values {
			at, err := strconv.ParseUint(v[0], 10, 64)
			if err != nil {
				return nil, fmt.Errorf("read Loki's answer: time %q: %w", v[0], err)
			}
			page = append(page, entry{time: pcommon.Timestamp(at), line: v[1], labels: stream.Stream})
		}
	}
	slices.SortStableFunc(page, func(a, b entry) int {
		switch {
		case a.time < b.time:
			return -1
		case a.time > b.time:
			return 1
		}
		return 0
	})
	return page, nil
}

// record makes a record whose projection by lokiKeeps is what was sent's.
func (e *entry) record() *canon.Record {
	r := canon.New()
	r.Log.SetTimestamp(e.time)
	r.Log.Body().SetStr(e.line)
	for name, text := range e.labels {
		switch {
		case name == "service_name":
			r.Resource.Attributes().PutStr("service.name", text)
		case name == labelName(ledger.UIDAttribute):
			r.Log.Attributes().PutStr(ledger.UIDAttribute, text)
		default:
			r.Log.Attributes().PutStr(name, text)
		}
	}
	var trace pcommon.TraceID
	if raw, err := hex.DecodeString(e.labels["trace_id"]); err == nil && len(raw) == len(trace) {
		copy(trace[:], raw)
		r.Log.SetTraceID(trace)
		r.Log.Attributes().Remove("trace_id")
	}
	var span pcommon.SpanID
	if raw, err := hex.DecodeString(e.labels["span_id"]); err == nil && len(raw) == len(span) {
		copy(span[:], raw)
		r.Log.SetSpanID(span)
		r.Log.Attributes().Remove("span_id")
	}
	return r
}

// Lookup implements verify.Finder.
func (l *Loki) Lookup(ctx context.Context, uid string, at pcommon.Timestamp) (bool, error) {
	page, err := l.page(ctx, fmt.Sprintf("%s | %s=%q", l.query, labelName(ledger.UIDAttribute), uid), at, at+1, 1)
	return len(page) > 0, err
}
