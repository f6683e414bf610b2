package queryapi

import (
	"regexp"
	"slices"
	"strings"

	"github.com/instantdevlogs/devlogs/logql"
	"github.com/instantdevlogs/devlogs/logql/pipeline"
)

// differences are the reasons for which some answers are not Loki's, with words of the queries that meet them. The table in
// docs/loki-compatibility.md has the same ones.
var differences = []struct {
	why     string
	queries []string
}{
	{"infinity is a number", []string{"1 / 0", "quantile_over_time(-1"}},
	{"vector takes a sign, numbers may be hexadecimal, and label names may have dots", []string{"vector(-2)", "0x1f4", "service.name=", "k8s.pod.name="}},
	{"two series must not become the same one", []string{"label_replace(count_over_time({} | keep service_name, env [20m])"}},
	{"templates can't define others", []string{`{{define`}},
	{"a renamed label stays where it was", []string{"label_format svc=", "label_format a=", "label_format lat="}},
	{"stages run in the order they are written", []string{"| decolorize |= ", "| drop status | status=", "label_format st=status |", `label_format status="{{div`}},
	{"label regexps match whole values, and the absent one is empty", []string{`page=~"c.*"`, `page!~"c.*"`, `table=~"users|"`}},
	{"in lines, a regexp's dot matches a new line", []string{"panic.*goroutine"}},
	{"a pattern filter matches the whole line", []string{"|> ", "!> "}},
	{"a line that is cut off is no JSON", []string{"json level | level=", `json method="request.method"`, "json tags", "json status, m=", "json ua=", `json n="user.name"`, "json env", "json x=", `json a="status"`}},
	{"what a parser finds empty is no label", []string{"logfmt --strict level", "<c>;<d>", "(?P<b>%)?"}},
	{"what a parser finds goes before structured metadata", []string{"<<id>> took <took>s"}},
	{"templates see __error__", []string{"{{.__error__}}"}},
	{"unwrap takes its label", []string{"unwrap latency [1h]) by (latency)"}},
	{"a size with a fraction is one", []string{"size==1.5KiB"}},
	{"approx_topk counts exactly", []string{"approx_topk"}},
}

// knownDifference says why two answers may differ; "": nobody knows.
func knownDifference(query, ours, theirs string) string {
	if beyondLoki(query) {
		return "a selector may name anything a record has, and need not narrow anything down"
	}
	for _, d := range differences {
		if slices.ContainsFunc(d.queries, func(words string) bool { return strings.Contains(query, words) }) {
			return d.why
		}
	}
	level := regexp.MustCompile(`detected_level:\w+`)
	if strings.Contains(query, "detected_level") || level.ReplaceAllString(ours, "") == level.ReplaceAllString(theirs, "") {
		return "the level is not guessed from the line"
	}
	return ""
}

// beyondLoki tells whether a query has a selector that Loki refuses or for which it finds no stream.
func beyondLoki(query string) bool {
	expr, err := logql.Parse(query)
	if err != nil {
		return false
	}
	var selectors []logql.Selector
	if log, ok := expr.(*logql.LogQuery); ok {
		selectors = append(selectors, log.Selector)
	}
	for _, r := range logql.Ranges(expr) {
		selectors = append(selectors, r.Log.Selector)
	}
	for _, selector := range selectors {
		narrows := len(selector) == 0 // asked of Loki in other words
		for _, m := range selector {
			if !slices.Contains([]string{"service_name", "env", "k8s_pod_name", "region"}, m.Name) {
				return true
			}
			narrows = narrows || !m.Op.Negated() && !pipeline.NewMatcher(m).Matches("")
		}
		if !narrows {
			return true
		}
	}
	return false
}
