package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/instantdevlogs/devlogs/queryapi/client"
)

func TestNoRecordSteersATerminal(t *testing.T) {
	t.Setenv("TERM", "xterm")
	terminal, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	require.NoError(t, err)
	defer terminal.Close()
	text := "red \x1b[31m, bell \x07, csi \u009b31m, del \x7f, é\nsecond"
	body, err := json.Marshal(text)
	require.NoError(t, err)
	record := &client.Record{Body: body, JSON: append(append([]byte(`{"body":`), body...), '}')}
	print := func(output string, to *os.File) string {
		var b bytes.Buffer
		out := bufio.NewWriter(&b)
		require.NoError(t, recordPrinter(output, "never", true, false, to)(out, record))
		require.NoError(t, out.Flush())
		return b.String()
	}
	require.Equal(t, `red \x1b[31m, bell \x07, csi \x9b31m, del \x7f, é`+"\nsecond\n", print("raw", terminal))
	file, err := os.Create(t.TempDir() + "/out")
	require.NoError(t, err)
	defer file.Close()
	require.Equal(t, text+"\n", print("raw", file), "programs get lines as they are")

	for _, to := range []*os.File{terminal, file} {
		written := print("json", to)
		require.NotContains(t, written, "\u009b")
		require.NotContains(t, written, "\x7f")
		require.Contains(t, written, `\u009b31m, del \u007f, é`)
		var read struct{ Body string }
		require.NoError(t, json.Unmarshal([]byte(written), &read))
		require.Equal(t, text, read.Body)
	}
}

func TestStackTracesStandBelowTheirRecordWhereAPersonReads(t *testing.T) {
	t.Setenv("TERM", "xterm")
	terminal, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	require.NoError(t, err)
	defer terminal.Close()
	record := &client.Record{
		Level: "error", Service: "api", Body: json.RawMessage(`"failed\nagain"`),
		Attributes: json.RawMessage(`{"a":"b c","exception.stacktrace":"X: y\r\n\tat a.b(C.java:1)\n\tat \u001b[31m\n","n":1}`),
	}
	print := func(multiline bool, to io.Writer) string {
		var b bytes.Buffer
		out := bufio.NewWriter(&b)
		require.NoError(t, recordPrinter("text", "never", true, multiline, to)(out, record))
		require.NoError(t, out.Flush())
		return strings.TrimPrefix(b.String(), "0001-01-01 00:00:00.000 ERROR api ")
	}
	readable := "failed a=\"b c\" n=1\n    again\n    exception.stacktrace:\n      X: y\n      \tat a.b(C.java:1)\n      \tat \\x1b[31m\n"
	require.Equal(t, readable, print(false, terminal))
	require.Equal(t, readable, print(true, &bytes.Buffer{}))

	record.Labels = map[string]string{"exception_stacktrace": "X: y\n\tat a.b(C.java:1)", "n": "1"}
	require.Equal(t, "failed n=1\n    again\n    exception_stacktrace:\n      X: y\n      \tat a.b(C.java:1)\n", print(true, &bytes.Buffer{}))
	require.Equal(t, `failed exception_stacktrace="X: y\n\tat a.b(C.java:1)" n=1`+"\n    again\n", print(false, &bytes.Buffer{}),
		"for other programs an attribute stays on the record's line")
}
