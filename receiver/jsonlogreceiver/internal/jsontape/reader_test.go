package jsontape

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"
)

var testLimits = Limits{Depth: 16, Fields: 100, Bytes: 1 << 16}

// read lists what a Reader finds: the raw text of values, "!message" for faults, each with its line.
func read(t *testing.T, src io.Reader, limits Limits) []string {
	t.Helper()
	var r Reader
	var found []string
	r.Reset(src, -1, limits)
	for {
		item, err := r.Next()
		if errors.Is(err, io.EOF) {
			return found
		}
		if err != nil {
			return append(found, "error: "+err.Error())
		}
		require.Equal(t, len(found), item.Index)
		if item.Fault != nil {
			found = append(found, fmt.Sprintf("%d !%s", item.Line, item.Fault.Message))
		} else {
			found = append(found, fmt.Sprintf("%d %s", item.Line, r.Raw()))
		}
	}
}

func TestReaderFindsValuesInEveryShape(t *testing.T) {
	for name, c := range map[string]struct {
		body string
		want []string
	}{
		"one object":            {`{"a":1}`, []string{`1 {"a":1}`}},
		"empty":                 {" \n\t\r\n", nil},
		"NDJSON":                {"{\"a\":1}\n\n{\"a\":2}\r\n", []string{`1 {"a":1}`, `3 {"a":2}`}},
		"concatenated":          {`{"a":1}{"a":2} {"a":3}`, []string{`1 {"a":1}`, `1 {"a":2}`, `1 {"a":3}`}},
		"array":                 {"[{\"a\":1},\n {\"a\":2}]", []string{`1 {"a":1}`, `2 {"a":2}`}},
		"empty array":           {`[]`, nil},
		"arrays":                {"[{}]\n[{}, 1]", []string{`1 {}`, `2 {}`, `2 1`}},
		"pretty-printed":        {"{\n  \"a\": 1\n}\n{\n  \"a\": 2\n}\n", []string{"1 {\n  \"a\": 1\n}", "4 {\n  \"a\": 2\n}"}},
		"byte order mark":       {"\xef\xbb\xbf{}", []string{`1 {}`}},
		"record separators":     {"\x1e{}\n\x1e{}\n", []string{`1 {}`, `2 {}`}},
		"commas between":        {"{},\n{}", []string{`1 {}`, `2 {}`}},
		"bad line between good": {"{}\n{bad}\n{}", []string{`1 {}`, `2 !'b' where a key in double quotes should be`, `3 {}`}},
		"garbage after a value": {"{} x\n{}", []string{`1 {}`, `1 !'x' where a value should be`, `2 {}`}},
		"cut line":              {"{\"a\":\"b\n{}", []string{`1 !the line ends inside a string`, `2 {}`}},
		"line without its end":  {"{\"a\":1\n{\"b\":2}\n", []string{`1 !'{' where "," or "}" should be`, `2 {"b":2}`}},
		"bad pretty-printed": {"{\n  \"a\": x,\n  \"b\": {\n  }\n}\n{}",
			[]string{`1 !'x' where a value should be`, `6 {}`}},
		"bad element": {`[{"a":1},{"a":"]",b},{"a":3}]`,
			[]string{`1 {"a":1}`, `1 !'b' where a key in double quotes should be`, `1 {"a":3}`}},
		"bad scalar in array": {`[{}, bad, {}]`, []string{`1 {}`, `1 !'b' where a value should be`, `1 {}`}},
		"no comma in array": {`[{} {} {}]`,
			[]string{`1 {}`, `1 !"," or "]" should follow an element of the array; the rest of the body can't be read`}},
		"array cut off":     {`[{},{}`, []string{`1 {}`, `1 {}`, `1 !the body ends inside the array: it was cut off`}},
		"array cut deeper":  {`[{},{"a":"b`, []string{`1 {}`, `1 !the value ends where the end of a string should follow; no end of this element was found, so the rest of the body can't be read`}},
		"body cut off":      {`{"a":`, []string{`1 !the value ends where a value should follow`}},
		"number at the end": {"42", []string{`1 42`}},
		"Python's numbers":  {"[NaN,-Infinity,Infinity]", []string{`1 NaN`, `1 -Infinity`, `1 Infinity`}},
	} {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, c.want, read(t, strings.NewReader(c.body), testLimits))
			require.Equal(t, c.want, read(t, iotest.OneByteReader(strings.NewReader(c.body)), testLimits), "byte by byte")
			require.Equal(t, c.want, read(t, iotest.DataErrReader(strings.NewReader(c.body)), testLimits), "data with EOF")
		})
	}
}

func TestReaderNamesTheLimitThatAValuePasses(t *testing.T) {
	limits := Limits{Depth: 3, Fields: 4, Bytes: 64 << 10}
	long := `{"a":"` + strings.Repeat("x", 1<<20) + `"}`
	for name, c := range map[string]struct{ bad, fault string }{
		"long":       {long, "longer than 65536 bytes"},
		"a bit long": {`{"a":"` + strings.Repeat("x", 64<<10) + `"}`, "longer than 65536 bytes"},
		"deep":       {`{"a":{"b":[[1]]}}`, "nested deeper than 3 levels"},
		"very deep":  {strings.Repeat(`{"a":`, 20000) + "1" + strings.Repeat("}", 20000), "nested deeper than 3 levels"},
		"wide":       {`{"a":1,"b":{"c":1,"d":1,"e":1}}`, "more than 4 fields"},
	} {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, []string{"1 {}", "2 !" + c.fault, "3 {}"},
				read(t, strings.NewReader("{}\n"+c.bad+"\n{}"), limits))
			require.Equal(t, []string{"1 {}", "1 !" + c.fault, "1 {}"},
				read(t, strings.NewReader("[{},"+c.bad+",{}]"), limits))
		})
	}
}

func TestReaderTakesALongPrettyPrintedValueAsOne(t *testing.T) {
	body := "{\n" + strings.Repeat("  \"a\": \"b\",\n", 20000) + "  \"a\": 1\n}\n{}"
	limits := Limits{Depth: 3, Fields: 100000, Bytes: 64 << 10}
	require.Equal(t, []string{"1 !longer than 65536 bytes", "20004 {}"}, read(t, strings.NewReader(body), limits))
}

func TestReaderReportsWhyReadingStopped(t *testing.T) {
	broken := errors.New("connection reset")
	body := io.MultiReader(strings.NewReader("{}\n{\"a\":"), iotest.ErrReader(broken))
	require.Equal(t, []string{"1 {}", "error: connection reset"}, read(t, body, testLimits))
	body = io.MultiReader(strings.NewReader("{}\n"), iotest.ErrReader(io.ErrUnexpectedEOF))
	require.Equal(t, []string{"1 {}", "error: unexpected EOF"}, read(t, body, testLimits))
	body = io.MultiReader(strings.NewReader("[{},bad"), iotest.ErrReader(broken))
	require.Equal(t, []string{"1 {}", "error: connection reset"}, read(t, body, testLimits))
}

func TestReaderKeepsLineNumbersAcrossChunks(t *testing.T) {
	var b strings.Builder
	for i := range 50000 {
		fmt.Fprintf(&b, "{\"n\":%d}\n", i)
		if i == 40000 {
			b.WriteString("broken\n")
		}
	}
	found := read(t, strings.NewReader(b.String()), testLimits)
	require.Len(t, found, 50001)
	require.Equal(t, `40001 {"n":40000}`, found[40000])
	require.Equal(t, `40002 !'b' where a value should be`, found[40001])
	require.Equal(t, `50001 {"n":49999}`, found[50000])
}

func TestNextLineSplitsAtLineFeedsOnly(t *testing.T) {
	var r Reader
	r.Reset(strings.NewReader("a\r\n\n  b\n"+strings.Repeat("x", 70000)+"\nlast"), -1, testLimits)
	var found []string
	for {
		text, item, err := r.NextLine(true)
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(t, err)
		if item.Fault != nil {
			text = []byte("!" + item.Fault.Message)
		}
		found = append(found, fmt.Sprintf("%d %d %s", item.Index, item.Line, text))
	}
	require.Equal(t, []string{"0 1 a", "1 3   b", "2 4 !longer than 65536 bytes", "3 5 last"}, found)
}
