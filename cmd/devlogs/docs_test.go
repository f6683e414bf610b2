package main

import (
	"bytes"
	"flag"
	"net"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/receiver/receivertest"

	"context"

	"github.com/instantdevlogs/devlogs/receiver/jsonlogreceiver"
	"github.com/instantdevlogs/devlogs/storage"
)

var update = flag.Bool("update", false, "write what the examples of the documents print")

const (
	languagePage = "../../docs/logql.md"
	languageLogs = "../../docs/logql-sample.ndjson"
)

// example is a command of the language page and, in the next block, what it prints.
var example = regexp.MustCompile("(?s)```sh\n(.*?)\n```\n(\n```text\n(.*?)```\n)?")

// TestExamplesOfTheLanguagePagePrintWhatItSays runs every command of docs/logql.md over its sample. -update writes the page anew.
func TestExamplesOfTheLanguagePagePrintWhatItSays(t *testing.T) {
	address, store := startQueryAPI(t)
	sample, err := os.ReadFile(languageLogs)
	require.NoError(t, err)
	postSample(t, store, sample)
	page, err := os.ReadFile(languagePage)
	require.NoError(t, err)
	n := 0
	written := example.ReplaceAllStringFunc(string(page), func(block string) string {
		n++
		parts := example.FindStringSubmatch(block)
		command, said := parts[1], parts[3]
		got := runExample(t, address, command, sample)
		require.NotEmpty(t, got, command)
		if !*update {
			require.Equal(t, said, got, command)
		}
		return "```sh\n" + command + "\n```\n\n```text\n" + got + "```\n"
	})
	require.Greater(t, n, 15)
	if *update {
		require.NoError(t, os.WriteFile(languagePage, []byte(written), 0o644))
	}
}

// postSample sends the sample to a json_log receiver, as the page says, and stores what comes out of it.
func postSample(t *testing.T, store storage.Writer, sample []byte) {
	t.Helper()
	free, err := net.Listen("tcp", "localhost:0")
	require.NoError(t, err)
	address := free.Addr().String()
	require.NoError(t, free.Close())
	factory := jsonlogreceiver.NewFactory()
	config := factory.CreateDefaultConfig().(*jsonlogreceiver.Config)
	config.ServerConfig.NetAddr.Endpoint = address
	next, err := consumer.NewLogs(func(ctx context.Context, logs plog.Logs) error {
		rows := &storage.Rows{}
		storage.Encode(rows, logs, "", pcommon.Timestamp(1))
		_, err := store.Write(ctx, storage.Batch{ID: uuid.New(), Rows: rows})
		return err
	})
	require.NoError(t, err)
	receiver, err := factory.CreateLogs(t.Context(), receivertest.NewNopSettings(factory.Type()), config, next)
	require.NoError(t, err)
	require.NoError(t, receiver.Start(t.Context(), componenttest.NewNopHost()))
	response, err := http.Post("http://"+address, "application/x-ndjson", bytes.NewReader(sample))
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	require.Equal(t, http.StatusOK, response.StatusCode)
	http.DefaultClient.CloseIdleConnections()
	require.NoError(t, receiver.Shutdown(context.Background()))
}

// shellWord is a word of a command as the page writes them: bare, or in single quotes.
var shellWord = regexp.MustCompile(`'([^']*)'|(\S+)`)

// runExample runs `q …` or `devlogs query …`, the latter with the sample as its input.
func runExample(t *testing.T, address, command string, sample []byte) string {
	t.Helper()
	command, _, _ = strings.Cut(command, " <docs/")
	var args []string
	for _, m := range shellWord.FindAllStringSubmatch(command, -1) {
		args = append(args, m[1]+m[2])
	}
	switch {
	case args[0] == "q":
		args = append([]string{"--address", address, "--utc", "--start", "2026-01-02T15:04:00Z", "--end", "2026-01-02T15:06:00Z"}, args[1:]...)
	case args[0] == "devlogs" && args[1] == "query":
		args = append([]string{"--utc"}, args[2:]...)
	default:
		t.Fatalf("the example %q is neither q nor devlogs query", command)
	}
	out, errOut, err := run(t, newQueryCommand(), string(sample), args...)
	require.NoError(t, err, command)
	require.Empty(t, errOut, command)
	return out
}
