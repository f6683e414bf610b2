package pipeline

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/instantdevlogs/devlogs/logql"
)

// format runs a template over an entry with a few labels.
func format(t testing.TB, text string) (string, error) {
	t.Helper()
	f, err := newFormatter(text, Options{Now: testTime}, &meter{})
	if err != nil {
		return "", err
	}
	e := Entry{Time: testTime.UnixNano(), Line: "the Line"}
	for name, value := range map[string]string{
		"a": "hello world", "n": "42", "f": "1.5", "d": "1m30s", "s": "2 KB", "path": "/a/b/", "empty": "", "json": `[{"q":"x"},{"q":"y"}]`,
		"b64": "aGk", "when": "2021-11-02", "epoch": "1679577215", "re": "aaabc",
	} {
		e.Labels.Set(name, value, Parsed)
	}
	out, err := f.execute(nil, &e)
	return string(out), err
}

func TestTemplateFunctionAnswers(t *testing.T) {
	for _, c := range []struct{ template, want string }{
		{`{{__line__ | lower}} {{__line__}}`, "the line the Line"},
		{`{{__timestamp__ | unixEpoch}}`, "1714979289"},
		{`{{__timestamp__ | unixEpochMillis}}`, "1714979289123"},
		{`{{__timestamp__ | unixEpochNanos}}`, "1714979289123456789"},
		{`{{__timestamp__ | date "2006-01-02T15:04:05.000Z07:00"}}`, "2024-05-06T07:08:09.123Z"},
		{`{{date "2006-01-02" now}}`, "2024-05-06"},
		{`{{toDateInZone "2006-01-02" "UTC" .when | unixEpoch}}`, "1635811200"},
		{`{{toDateInZone "2006-01-02" "Europe/Berlin" .when | unixEpoch}}`, "1635807600"},
		{`{{date "2006-01-02" (unixToTime .epoch)}}`, "2023-03-23"},
		{`{{unixToTime "19439" | unixEpoch}} {{unixToTime "1679577215123" | unixEpochMillis}} {{unixToTime "1679577215123456789" | unixEpochNanos}}`, "1679529600 1679577215123 1679577215123456789"},
		{`{{.d | duration}} {{duration_seconds "250ms"}}`, "90 0.25"},
		{`{{bytes .s}}`, "2000"},
		{`{{alignLeft 5 "hello world"}}|{{alignLeft 5 "hi"}}|`, "hello|hi   |"},
		{`{{alignRight 5 "hello world"}}|{{alignRight 5 "hi"}}|`, "world|   hi|"},
		{`{{b64enc "hi"}} {{b64dec .b64}}`, "aGk= hi"},
		{`{{default "-" ""}} {{default "-" "foo"}} {{.none | default "-"}} {{.empty | default "x"}}`, "- foo - x"},
		{`{{range $q := fromJson .json}}{{$q.q}};{{end}}`, "x;y;"},
		{`{{fromJson "{\"foo\": 55}"}}`, "map[foo:55]"},
		{`{{fromJson "no"}}`, ""},
		{`{{lower "HELLO"}} {{upper "hello"}} {{title "hello world"}} {{ToUpper "x"}}{{ToLower "Y"}}`, "hello HELLO Hello World Xy"},
		{`{{indent 2 "a\nb"}}`, "  a\n  b"},
		{`{{nindent 2 "a"}}`, "\n  a"},
		{`{{repeat 3 "hello"}}`, "hellohellohello"},
		{`{{printf "%-8s|%5.2f|%d" .n 1.5 7}}`, "42      | 1.50|7"},
		{`{{replace "hello" "world" .a}} {{Replace .a " " "-" -1}} {{Replace "aaa" "a" "b" 2}}`, "world world hello-world bba"},
		{`{{substr 0 5 .a}} {{substr 6 11 .a}} {{substr -1 2 .a}} {{substr 6 -1 .a}}`, "hello world he world"},
		{`{{trim "  x "}}|{{trimAll "/" .path}}|{{trimPrefix "/" .path}}|{{trimSuffix "/" .path}}`, "x|a/b|a/b/|/a/b"},
		{`{{Trim .path "/"}}|{{TrimLeft .path "/"}}|{{TrimRight .path "/"}}|{{TrimPrefix .path "/a"}}|{{TrimSuffix .path "b/"}}|{{TrimSpace " y "}}`, "a/b|a/b/|/a/b|/b/|/a/|y"},
		{`{{trunc 5 .a}} {{trunc -5 .a}} {{trunc 50 .a}}`, "hello world hello world"},
		{`{{urlencode "a b&c"}} {{urldecode "a+b%26c"}}`, "a+b%26c a b&c"},
		{`{{if contains "wor" .a}}yes{{else}}no{{end}} {{if hasPrefix "hel" .a}}yes{{end}} {{if hasSuffix "ld" .a}}yes{{end}} {{if eq .n "42"}}yes{{end}}`, "yes yes yes yes"},
		{`{{if and (contains "he" "hello") (not (contains "x" "hello"))}}yes{{end}}`, "yes"},
		{`{{add 3 2 5}} {{sub 5 2}} {{mul 5 2 3}} {{div .n 10}} {{mod 10 3}} {{max 1 2 3}} {{min 1 2 3}}`, "10 3 30 4 1 3 1"},
		{`{{addf 3.5 2 5}} {{subf 5.5 2 1.5}} {{mulf 5.5 2 2.5}} {{divf 10 2 4}} {{maxf 1 2.5 2}} {{minf 1.5 2 3}}`, "10.5 2 27.5 1.25 2.5 1.5"},
		{`{{ceil 123.001}} {{floor 123.9999}} {{round 123.555555 3}} {{round 123.88571428571 5 .2}} {{"3.5" | float64}} {{"3" | int}}`, "124 123 123.556 123.88572 3.5 3"},
		{`{{add .n "x" 1.9}}`, "43"},
		{`{{count "a|b" "abab"}} {{count "o" "foo"}}`, "4 2"},
		{`{{regexReplaceAll "(a*)bc" .re "${1}a"}} {{regexReplaceAllLiteral "(a*)bc" .re "$1"}}`, "aaaa $1"},
		{`{{index . "n"}} {{len .n}} {{slice .a 0 4}}`, "42 2 hell"},
		{`{{range $i := 3}}{{$i}}{{end}}`, "012"},
		{`{{with .n}}{{.}}{{end}}{{/* comment */}}`, "42"},
		{`{{print .n "-" 1}} {{html "<a>"}} {{urlquery "a b"}}`, "42-1 &lt;a&gt; a+b"},
	} {
		got, err := format(t, c.template)
		if assert.NoError(t, err, c.template) {
			assert.Equal(t, c.want, got, c.template)
		}
	}
}

func TestTemplateIsRefusedOrFails(t *testing.T) {
	for _, c := range []struct{ template, want string }{
		{`{{define "x"}}{{end}}`, "define and block are not available"},
		{`{{block "x" .}}{{end}}`, "define and block are not available"},
		{`{{template "x"}}`, "can't call templates"},
		{`{{call .x}}`, `function "call" not defined`},
		{`{{env "HOME"}}`, `function "env" not defined`},
		{`{{div 1 0}}`, "division by zero"},
		{`{{mod 1 0}}`, "division by zero"},
		{`{{substr 5 2 "abcdef"}}`, "substr"},
		{`{{unixToTime "x"}}`, "not an integer"},
		{`{{unixToTime "123"}}`, "digits"},
		{`{{toDateInZone "2006" "../etc" "2020"}}`, "invalid location name"},
		{`{{regexReplaceAll "(" "x" "y"}}`, "missing closing )"},
		{`{{b64dec "%"}}`, "illegal base64"},
		{`{{date "2006" "x"}}`, "not a time"},
	} {
		_, err := format(t, c.template)
		assert.ErrorContains(t, err, c.want, c.template)
	}
}

func TestTemplateIsBounded(t *testing.T) {
	for _, text := range []string{
		`{{range $i := 1000000000}}{{end}}`,
		`{{range $i := 100000}}{{range $j := 100000}}{{end}}{{end}}`,
		`{{repeat 1000000000 "x"}}`,
		`{{repeat 1000 (repeat 10000 "x")}}`,
		`{{printf "%1000000d" 1}}`,
		`{{printf "%*d" 1000000 1}}`,
		`{{printf "%[1]*d" 1000000}}`,
		`{{printf "` + strings.Repeat("%9999d", 200) + `" 1}}`,
		`{{indent 1000000000 "x"}}`,
		`{{alignLeft 1000000000 "x"}}`,
		`{{alignRight 1000000000 "x"}}`,
		`{{$x := "aaaaaaaaaa"}}{{range $i := 50}}{{$x = printf "%s%s" $x $x}}{{end}}`,
		`{{$x := "aaaaaaaaaa"}}{{range $i := 50}}{{$x = print $x $x}}{{end}}`,
		`{{$x := "aaaaaaaaaa"}}{{range $i := 50}}{{$x = replace "a" "aaaaaaaaaa" $x}}{{end}}`,
		`{{$x := "aaaaaaaaaa"}}{{range $i := 50}}{{$x = regexReplaceAll "a" $x "aaaaaaaaaa"}}{{end}}`,
		`{{$x := "aaaaaaaaaa"}}{{range $i := 50}}{{$x = html (print $x "&&&&&&&&&&" $x)}}{{end}}`,
		`{{$x := repeat 100000 "y"}}{{range $i := 90000}}{{$y := lower $x}}{{end}}`,
		`{{range $i := 90000}}` + strings.Repeat("x", 1000) + `{{end}}`,
	} {
		_, err := format(t, text)
		assert.Error(t, err, text[:min(len(text), 80)]) // and at once: without a bound these take minutes, or all memory
	}
}

func TestFailedTemplateLeavesTheLine(t *testing.T) {
	query, err := logql.ParseLog("{a=`b`} | line_format `made {{div 1 0}}`")
	require.NoError(t, err)
	p, err := Compile(query.Stages, Options{})
	require.NoError(t, err)
	e := Entry{Line: "as it was"}
	require.True(t, p.Process(&e))
	require.Equal(t, "as it was", e.Line)
	failed, details := e.Labels.Error()
	require.Equal(t, "TemplateFormatErr", failed)
	require.Contains(t, details, "division by zero")
}

func TestTemplatesOfAllStagesShareWhatAnEntryMayCost(t *testing.T) {
	run := func(stages string, line string) (Entry, string) {
		query, err := logql.ParseLog("{a=`b`}" + stages)
		require.NoError(t, err)
		p, err := Compile(query.Stages, Options{})
		require.NoError(t, err)
		var e Entry
		for range 2 { // the second entry has the whole budget again
			e = Entry{Line: line}
			require.True(t, p.Process(&e))
		}
		failed, details := e.Labels.Error()
		if failed != "" {
			require.Equal(t, "TemplateFormatErr", failed)
		}
		return e, details
	}
	for _, double := range []string{"{{__line__}}{{__line__}}", "{{print __line__ __line__}}"} {
		e, details := run(strings.Repeat(" | line_format `"+double+"`", 40), "0123456789")
		require.Contains(t, details, "more than 1048576 bytes", double)
		require.Len(t, e.Line, 10<<16, "the stages behind the first that fails make nothing")
	}
	_, details := run(strings.Repeat(" | label_format x=`{{__line__}}`", 20), strings.Repeat("y", 1<<19))
	require.Contains(t, details, "templates do too much")
	e, details := run(" | line_format `{{div 1 0}}` | line_format `made`", "z")
	require.Contains(t, details, "division by zero")
	require.Equal(t, "made", e.Line, "a fault that cost nothing stops no other stage")
}
