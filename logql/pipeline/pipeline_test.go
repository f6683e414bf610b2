package pipeline

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/instantdevlogs/devlogs/logql"
)

var (
	testStream   = []Label{{"app", "api", Stream}, {"env", "prod", Stream}}
	testMetadata = []Label{{"trace_id", "abc", Metadata}, {"size", "12KB", Metadata}}
	testTime     = time.Date(2024, 5, 6, 7, 8, 9, 123456789, time.UTC)
)

// run sends a line through the stages of a query and writes down what comes out: "dropped", or the line (when it changed)
// and the labels that are new or changed, with -name for those that are gone.
func run(t testing.TB, stages, line string) string {
	t.Helper()
	query, err := logql.ParseLog(`{app="api"} ` + stages)
	require.NoError(t, err, stages)
	p, err := Compile(query.Stages, Options{Now: testTime})
	require.NoError(t, err, stages)
	e := Entry{Time: testTime.UnixNano(), Line: line}
	e.Labels.Reset(testStream, testMetadata)
	if !p.Process(&e) {
		return "dropped"
	}
	var parts []string
	if e.Line != line {
		parts = append(parts, fmt.Sprintf("%q", e.Line))
	}
	for _, l := range append(append([]Label{}, testStream...), testMetadata...) {
		if _, ok := e.Labels.Get(l.Name); !ok {
			parts = append(parts, "-"+l.Name)
		}
	}
	for _, l := range e.Labels.AppendTo(nil) {
		if l.Kind == Parsed && l.Name != ErrorDetailsLabel {
			parts = append(parts, l.Name+"="+l.Value)
		}
	}
	if len(parts) == 0 {
		return "kept"
	}
	return strings.Join(parts, " ")
}

func TestLineFilterKeepsMatchingLines(t *testing.T) {
	for _, c := range []struct{ stages, line, want string }{
		{`|= "err"`, "an error", "kept"},
		{`|= "err"`, "an ERROR", "dropped"},
		{`|= ""`, "x", "kept"},
		{`!= "err"`, "an error", "dropped"},
		{`!= "err"`, "fine", "kept"},
		{`|= "a" or "b"`, "b", "kept"},
		{`|= "a" or "b"`, "c", "dropped"},
		{`!= "a" or "b"`, "b", "dropped"},
		{`!= "a" or "b"`, "c", "kept"},
		{`|~ "e.r"`, "an err", "kept"},
		{`|~ "e.r"`, "e\nr", "kept"},
		{`|~ "^an"`, "an err", "kept"},
		{`|~ "^err"`, "an err", "dropped"},
		{`|~ "(?i)ERR"`, "an error", "kept"},
		{`|~ "(?i)kelvin"`, "\u212aelvin", "kept"},
		{`|~ "(?i)münchen"`, "MÜNCHEN", "kept"},
		{`|~ "(?i)timeout"`, "a TimeOut", "kept"},
		{`|~ "foo|bar"`, "a bar", "kept"},
		{`|~ "foo|bar"`, "a baz", "dropped"},
		{`|~ "a(bc)+d"`, "abcbcd", "kept"},
		{`|~ "user=\\d+ ok"`, "user=12 ok", "kept"},
		{`|~ "user=\\d+ ok"`, "user=x ok", "dropped"},
		{`!~ "e.r"`, "an err", "dropped"},
		{`!~ "a" or "b"`, "c", "kept"},
		{`|= "世"`, "hello 世界", "kept"},
		{`|> "<_>err<_>"`, "an error", "kept"},
		{`|> "an <_>"`, "an error", "kept"},
		{`|> "an <_>"`, "not an error", "dropped"},
		{`|> "<_> error"`, "an error", "kept"},
		{`|> "<_> error"`, "an error or two", "dropped"},
		{`|> "a <_> b <_> c"`, "a 1 b 2 c", "kept"},
		{`|> "a <_> b <_> c"`, "a 1 c 2 b", "dropped"},
		{`|> "same"`, "same", "kept"},
		{`|> "same"`, "not the same", "dropped"},
		{`|> "a<_>a"`, "a", "dropped"},
		{`!> "<_>err<_>"`, "an error", "dropped"},
		{`|= ip("10.0.0.1")`, "from 10.0.0.1 to", "kept"},
		{`|= ip("10.0.0.1")`, "from 110.0.0.1 to", "dropped"},
		{`|= ip("10.0.0.1")`, "from 10.0.0.1:8080", "kept"},
		{`|= ip("10.0.0.1")`, "it is 10.0.0.1.", "kept"},
		{`|= ip("10.0.0.0/8")`, "[10.255.0.3]", "kept"},
		{`|= ip("10.0.0.0/8")`, "11.0.0.0", "dropped"},
		{`|= ip("10.0.0.5-10.0.0.9")`, "10.0.0.9", "kept"},
		{`|= ip("10.0.0.5-10.0.0.9")`, "10.0.0.10", "dropped"},
		{`|= ip("2001:db8::/32")`, "peer 2001:db8::7 up", "kept"},
		{`|= ip("::1")`, "peer [::1]:53", "kept"},
		{`!= ip("10.0.0.0/8")`, "10.1.1.1", "dropped"},
		{`|= ip("1.2.3.4") or "x"`, "x", "kept"},
	} {
		assert.Equal(t, c.want, run(t, c.stages, c.line), "%s on %q", c.stages, c.line)
	}
}

func TestParserAddsLabels(t *testing.T) {
	const nginx = `0.191.12.2 - - [10/Jun/2021:09:14:29 +0000] "GET /api/check HTTP/1.1" 200 2 "-" "Go-http/2.0"`
	for _, c := range []struct{ stages, line, want string }{
		{`| json`, `{"a":"x","b":1,"c":1.50,"d":true,"e":null,"f":[1],"g":{"h":{"i":"j"}}}`, "a=x b=1 c=1.50 d=true g_h_i=j"},
		{`| json`, `{"a.b": {"c": "d"}, "e": "f"}`, "a_b_c=d e=f"},
		{`| json`, `{"app":"web","app_extracted":"y"}`, "app_extracted=web"},
		{`| json`, `{"trace_id":"def"}`, "trace_id=def"},
		{`| json`, `{"a":"1","a":"2"}`, "a=1"},
		{`| json`, `{"1a":"x","b c":"y","é":"z"}`, "_=z _1a=x b_c=y"},
		{`| json`, `{"a":"q\"\u00e9\ud83d\ude00\n"}`, "a=q\"é😀\n"},
		{`| json`, `{}`, "kept"},
		{`| json`, `{"a":""}`, "a="},
		{`| json`, `text`, "__error__=JSONParserErr"},
		{`| json`, `["a"]`, "__error__=JSONParserErr"},
		{`| json`, `{"a":"x"`, "__error__=JSONParserErr a=x"},
		{`| json`, `{"a":"x"} y`, "__error__=JSONParserErr a=x"},
		{`| json`, `{"a":01}`, "__error__=JSONParserErr"},
		{`| json`, ` {"a" : "x" } `, "a=x"},
		{`| json | __error__=""`, `text`, "dropped"},
		{`| json | __error__="JSONParserErr"`, `text`, "__error__=JSONParserErr"},
		{`| json first="servers[0]", all="servers", ua="headers[\"User-Agent\"]", h="headers"`, `{"servers":["a","b"],"headers":{"User-Agent": "curl"}}`, `all=["a","b"] first=a h={"User-Agent": "curl"} ua=curl`},
		{`| json servers`, `{"servers":["a"]}`, `servers=["a"]`},
		{`| json x="a.b[1].c"`, `{"a":{"b":[0,{"c":"y"}]}}`, "x=y"},
		{`| json x="[\"a.b\"]"`, `{"a.b":"y"}`, "x=y"},
		{`| json x="[1]"`, `["a","b"]`, "x=b"},
		{`| json x="nope"`, `{"a":1}`, "x="},
		{`| json app="a"`, `{"a":"web"}`, "app_extracted=web"},
		{`| json x="a"`, `text`, "__error__=JSONParserErr"},
		{`| logfmt`, `at=info method=GET path=/ fwd="1.2.3.4" msg="say \"hi\"" status=200`, `at=info fwd=1.2.3.4 method=GET msg=say "hi" path=/ status=200`},
		{`| logfmt`, `a=1 b c= d="" e=5`, "a=1 e=5"},
		{`| logfmt --keep-empty`, `a=1 b c= d=""`, "a=1 b= c= d="},
		{`| logfmt`, `a=1 =x foo=bar=buzz fo"o=bar z=2`, "a=1 z=2"},
		{`| logfmt --strict`, `a=1 =x z=2`, "__error__=LogfmtParserErr a=1"},
		{`| logfmt --strict`, `a=1 foo=bar=buzz z=2`, "__error__=LogfmtParserErr a=1"},
		{`| logfmt --strict`, `a=1 fo"o=bar z=2`, "__error__=LogfmtParserErr a=1"},
		{`| logfmt --strict`, `a=1 b="x`, "__error__=LogfmtParserErr a=1"},
		{`| logfmt`, `a="x\ny" b="\q"`, "a=x\ny b=\\q"},
		{`| logfmt`, `app=web a.b=1 a=1 a=2`, "a=1 a_b=1 app_extracted=web"},
		{`| logfmt host, ip="fwd"`, `host=h fwd=f other=o`, "host=h ip=f"},
		{`| logfmt host, x`, `host other=o`, "host= x="},
		{"| pattern `<ip> - - <_> \"<method> <uri> <_>\" <status> <size> <_> \"<agent>\"`", nginx, "agent=Go-http/2.0 ip=0.191.12.2 method=GET size=2 status=200 uri=/api/check"},
		{`| pattern "<_> msg=<m>"`, `level=x msg=hello you`, "m=hello you"},
		{`| pattern "level=<level> x"`, `lvl=x`, "kept"},
		{`| pattern "<a>,<b>;<c>"`, `1,2`, "a=1"},
		{`| pattern "<app> x"`, `web x`, "app_extracted=web"},
		{"| regexp `(?P<method>\\w+) (?P<path>\\S+) \\((?P<status>\\d+)\\)`", `POST /push (200)`, "method=POST path=/push status=200"},
		{"| regexp `(?P<a>x)|(?P<b>y)`", `y`, "b=y"},
		{"| regexp `(?P<a>x)`", `nope`, "kept"},
		{`| unpack`, `{"pod":"p","n":1,"_entry":"the line"}`, `"the line" pod=p`},
		{`| unpack`, `{"pod":"p"}`, "kept"},
		{`| unpack`, `text`, "__error__=JSONParserErr"},
		{`| unpack | json`, `{"pod":"p","_entry":"{\"a\":\"x\"}"}`, `"{\"a\":\"x\"}" a=x pod=p`},
		{`| json | logfmt`, `{"msg":"a=1"}`, "msg=a=1"},
		{"| json | line_format `{{.msg}}` | logfmt", `{"msg":"a=1"}`, `"a=1" a=1 msg=a=1`},
	} {
		assert.Equal(t, c.want, run(t, c.stages, c.line), "%s on %q", c.stages, c.line)
	}
}

func TestLabelFilterComparesLabels(t *testing.T) {
	const line = `n=42 f=1.5 d=250ms s=10KB bad=x ip=10.1.2.3 level=error neg=-3`
	for _, c := range []struct{ filter, want string }{
		{`level="error"`, "kept"}, {`level!="error"`, "dropped"}, {`level=~"err.*"`, "kept"}, {`level=~"err"`, "dropped"},
		{`level!~"err"`, "kept"}, {`level=~"warn|error"`, "kept"}, {`level=~"warn|info"`, "dropped"}, {`none=""`, "kept"},
		{`none!=""`, "dropped"}, {`none=~".*"`, "kept"}, {`none=~".+"`, "dropped"}, {`app="api"`, "kept"}, {`trace_id="abc"`, "kept"},
		{`n == 42`, "kept"}, {`n = 42`, "kept"}, {`n != 42`, "dropped"}, {`n > 41`, "kept"}, {`n > 42`, "dropped"}, {`n >= 42`, "kept"},
		{`n < 43`, "kept"}, {`n <= 41`, "dropped"}, {`f > 1.4`, "kept"}, {`neg < -2`, "kept"}, {`neg == -3`, "kept"},
		{`d > 200ms`, "kept"}, {`d > 1s`, "dropped"}, {`d == 0.25s`, "kept"}, {`s >= 10KB`, "kept"}, {`s > 10KiB`, "dropped"}, {`size < 1MB`, "kept"},
		{`none > 5`, "dropped"}, {`none < 5`, "dropped"}, {`bad > 5`, "error"}, {`bad > 5s`, "error"}, {`bad > 5KB`, "error"},
		{`bad > 5 | n > 100`, "dropped"}, {`bad > 5 | level="error"`, "error"}, {`bad > 5 | level="x"`, "dropped"},
		{`bad > 5 | __error__=""`, "dropped"}, {`bad > 5 | __error__="LabelFilterErr"`, "error"}, {`__error__ > 0`, "dropped"},
		{`ip = ip("10.0.0.0/8")`, "kept"}, {`ip != ip("10.0.0.0/8")`, "dropped"}, {`none = ip("10.0.0.0/8")`, "dropped"},
		{`level="x" or n > 40`, "kept"}, {`level="error" and n > 50`, "dropped"}, {`level="x" or n > 40 and f > 5`, "dropped"},
		{`(level="x" or n > 40) and f > 1`, "kept"}, {`level="error", n > 40, f < 1`, "dropped"},
	} {
		got := run(t, `| logfmt | `+c.filter, line)
		switch {
		case strings.Contains(got, "__error__=LabelFilterErr"):
			got = "error"
		case got != "dropped":
			got = "kept"
		}
		assert.Equal(t, c.want, got, c.filter)
	}
}

func TestFormatChangesLineAndLabels(t *testing.T) {
	for _, c := range []struct{ stages, line, want string }{
		{"| line_format `{{.app}}-{{.none}}-{{__line__}}`", "x", `"api--x"`},
		{"| line_format ``", "x", `""`},
		{"| line_format `{{.app | upper}} {{len .env}}`", "x", `"API 4"`},
		{"| line_format `{{.nosuch | nosuchfunc}}`", "x", "refused"},
		{"| line_format `{{div 1 0}}`", "x", "__error__=TemplateFormatErr"},
		{`| label_format a=app`, "x", "-app"},
		{`| label_format a=trace_id`, "x", "-trace_id"},
		{`| label_format a=none`, "x", "kept"},
		{`| label_format a="{{.app}}"`, "x", "a=api"},
		{`| label_format app="{{.app}}-2"`, "x", "app=api-2"},
		{`| label_format a="{{.app}}", b="{{.a}}"`, "x", "a=api b=api"},
		{`| label_format a="{{div 1 0}}"`, "x", "__error__=TemplateFormatErr"},
		{`| decolorize`, "\x1b[31mred\x1b[0m and \x1b[1;32mgreen\x1b[m", `"red and green"`},
		{`| decolorize`, "plain", "kept"},
		{`| decolorize`, "\x1b]0;title\arest\x1b", `"rest"`},
		{`| decolorize |= "ab"`, "a\x1b[31mb", `"ab"`},
		{`| drop app`, "x", "-app"},
		{`| drop app, trace_id`, "x", "-app -trace_id"},
		{`| drop app="web"`, "x", "kept"},
		{`| drop app=~"a.*", env!="prod"`, "x", "-app"},
		{`| json | drop __error__`, "x", "kept"},
		{`| keep app`, "x", "-env -trace_id -size"},
		{`| keep app="web", env`, "x", "-app -trace_id -size"},
		{`| json | keep app`, "x", "-env -trace_id -size __error__=JSONParserErr"},
		{`| json | drop a | keep b`, `{"a":1,"b":2}`, "-app -env -trace_id -size b=2"},
	} {
		if c.want == "refused" {
			query, err := logql.ParseLog(`{app="api"} ` + c.stages)
			require.NoError(t, err)
			_, err = Compile(query.Stages, Options{})
			assert.ErrorContains(t, err, `function "nosuchfunc" not defined`)
			assert.ErrorContains(t, Check(query), "not defined")
			continue
		}
		assert.Equal(t, c.want, run(t, c.stages, c.line), "%s on %q", c.stages, c.line)
	}
}

func TestUnwrapTakesTheSample(t *testing.T) {
	for _, c := range []struct {
		unwrap string
		line   string
		want   float64
		err    string
	}{
		{`| unwrap n`, `n=1.5e3`, 1500, ""},
		{`| unwrap duration(n)`, `n=1m30s`, 90, ""},
		{`| unwrap duration_seconds(n)`, `n=250ms`, 0.25, ""},
		{`| unwrap bytes(n)`, `n=2KiB`, 2048, ""},
		{`| unwrap n`, `n=x`, 0, "SampleExtractionErr"},
		{`| unwrap n`, `m=1`, 0, "dropped"},
		{`| unwrap n | __error__=""`, `n=x`, 0, "dropped"},
		{`| unwrap n | m > 5`, `n=1 m=6`, 1, ""},
	} {
		expr, err := logql.ParseMetric(`sum_over_time({app="api"} | logfmt ` + c.unwrap + ` [1m])`)
		require.NoError(t, err)
		p, err := CompileRange(logql.Ranges(expr)[0], Options{})
		require.NoError(t, err)
		e := Entry{Line: c.line}
		e.Labels.Reset(testStream, nil)
		if !p.Process(&e) {
			assert.Equal(t, "dropped", c.err, c.unwrap)
			continue
		}
		assert.Equal(t, c.want, e.Sample, c.unwrap)
		failed, _ := e.Labels.Error()
		assert.Equal(t, c.err, failed, c.unwrap)
		_, has := e.Labels.Get("n")
		assert.False(t, has, "the unwrapped label is gone")
	}
}

func TestParserExtractsOnlyWhatIsNeeded(t *testing.T) {
	query, err := logql.ParseLog(`{app="api"} | json | b > 1 | line_format "{{.c}}" | label_format d=e`)
	require.NoError(t, err)
	p, err := Compile(query.Stages, Options{Need: []string{"d", "app_extracted"}})
	require.NoError(t, err)
	e := Entry{Line: `{"a":1,"b":2,"c":3,"e":5,"app":"x","z":{"y":1}}`}
	e.Labels.Reset(testStream, nil)
	require.True(t, p.Process(&e))
	got := map[string]string{}
	for _, l := range e.Labels.AppendTo(nil) {
		got[l.Name] = l.Value
	}
	require.Equal(t, map[string]string{"app": "api", "env": "prod", "app_extracted": "x", "b": "2", "c": "3", "d": "5"}, got)
}

// FuzzJSON compares the scanner with encoding/json: the same texts are JSON, and strings and numbers read the same.
func FuzzJSON(f *testing.F) {
	for _, s := range []string{`{"a":"x"}`, `{"a":{"b":[1,2,{"c":null}]}}`, `{"a":"\ud83d\ude00\ud800"}`, `{"a":1e5,"b":-0.5}`, `{`, `{"a":tru}`, `{"a":01}`, `{"a":1,}`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, line string) {
		var want map[string]any
		decoder := json.NewDecoder(strings.NewReader(line))
		decoder.UseNumber()
		wantErr := decoder.Decode(&want)
		valid := wantErr == nil && json.Valid([]byte(line)) && want != nil
		var s jsonScanner
		s.reset(line)
		got := map[string]string{}
		err := errNoObject
		if s.next() == '{' {
			if err = s.object(1, func(key string) error {
				if s.next() == '"' {
					value, err := s.string()
					got[key] = value
					return err
				}
				value, err := s.skip(1)
				got[key] = value
				return err
			}); err == nil {
				err = s.end()
			}
		}
		if errors.Is(err, errJSONDepth) || strings.Count(line, "[")+strings.Count(line, "{") > maxJSONDepth {
			return
		}
		require.Equal(t, valid, err == nil, "%q: %v, encoding/json: %v", line, err, wantErr)
		if !valid {
			return
		}
		for key, value := range want {
			switch value := value.(type) {
			case string:
				if text, ok := got[key]; ok && utf8.ValidString(line) { // encoding/json repairs what is not UTF-8
					require.Equal(t, value, text, "%q", key)
				}
			case json.Number:
				if text, ok := got[key]; ok {
					require.Equal(t, string(value), text)
				}
			}
		}
	})
}

func FuzzPipeline(f *testing.F) {
	for _, stages := range []string{
		`| json`, `| logfmt --strict --keep-empty`, `| unpack | decolorize`, "| pattern `<a> <b>,<c>`", `|> "<_>a<_>b"`, `|= ip("10.0.0.0/8")`,
		"| regexp `(?P<x>\\w+)=(?P<y>\\w+)`", `|~ "(?i)err|warn"`, "| json | line_format `{{ range $k, $v := fromJson __line__ }}{{$k}}{{$v}}{{end}}`",
		"| logfmt | label_format a=`{{.b | trunc 3 | alignRight 9}}` | drop a | keep b, c=~`x.*`", `| a > 5 or b < 5s and c == 5KB`,
	} {
		f.Add(stages, `{"a":"b","c":{"d":"e"}}`)
		f.Add(stages, "level=info a=\"x y\" \x1b[31m10.1.2.3\x1b[0m")
	}
	f.Fuzz(func(t *testing.T, stages, line string) {
		query, err := logql.ParseLog(`{app="api"} ` + stages)
		if err != nil || len(stages) > 500 || len(line) > 10_000 {
			return
		}
		p, err := Compile(query.Stages, Options{Now: testTime})
		if err != nil {
			return
		}
		all, err := Compile(query.Stages, Options{Now: testTime, Need: []string{"a"}})
		require.NoError(t, err)
		results := [2]string{}
		for i, p := range []*Pipeline{p, all} {
			e := Entry{Time: testTime.UnixNano(), Line: line}
			e.Labels.Reset(testStream, testMetadata)
			kept := p.Process(&e)
			a, has := e.Labels.Get("a")
			results[i] = fmt.Sprint(kept, has, a)
		}
		require.Equal(t, results[0], results[1], "a needed label does not depend on the others")
	})
}
