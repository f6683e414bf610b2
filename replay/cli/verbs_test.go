package cli

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/stretchr/testify/require"
)

// Each verb that makes a recording makes one that the others read, and none loses a record.
func TestVerbsReadWhatTheOthersMake(t *testing.T) {
	dir := t.TempDir()
	in := func(name string) string { return filepath.Join(dir, name) }
	steps := []struct {
		args []string
		code int
		says []string
	}{
		{[]string{"gen", "-o", in("rec"), "--records", "600", "--batch", "20", "--seed", "3"}, 0, []string{"600 records"}},
		{[]string{"inspect", in("rec")}, 0, []string{"600", "will take"}},
		{[]string{"inspect", in("rec"), "--json"}, 0, []string{`"records":`}},
		{[]string{"convert", in("rec"), "-o", in("fast"), "--format", "proto"}, 0, []string{"600 records in 31 requests"}},
		{[]string{"convert", in("fast"), "-o", in("stock"), "--plain", "--no-sidecar"}, 0, []string{"600 records in 31 requests"}},
		{[]string{"slice", in("fast"), "-o", in("part"), "--records", "100"}, 0, []string{"100 records"}},
		{[]string{"slice", in("rec"), "-o", in("warnings"), "--where", "severity>=WARN"}, 0, []string{"records in"}},
		{[]string{"slice", in("rec"), "-o", in("part")}, ExitUsage, []string{"already holds a recording"}},
		{[]string{"merge", in("part"), in("rec"), "-o", in("both")}, 0, []string{"700 records"}},
		{[]string{"scrub", in("both"), "--fail-on-secrets"}, ExitUsage, []string{"secrets found"}},
		{[]string{"scrub", in("both"), "-o", in("clean")}, 0, []string{"700 records"}},
		{[]string{"scrub", in("clean"), "--fail-on-secrets"}, 0, []string{"no secrets found"}},
		{[]string{"inspect", in("clean")}, 0, []string{"700"}},
		{[]string{"inspect", in("nowhere")}, ExitUsage, []string{"nowhere"}},
	}
	for _, s := range steps {
		out, code := replay(t, s.args...)
		require.Equal(t, s.code, code, "%v: %s", s.args, out)
		for _, want := range s.says {
			require.Contains(t, out, want, "%v", s.args)
		}
	}
}

// What --help shows can be typed: the verb, its flags and the number of arguments are right.
func TestExamplesAreCommandsThatExist(t *testing.T) {
	seen := 0
	var walk func(*cobra.Command)
	walk = func(c *cobra.Command) {
		for line := range strings.Lines(c.Example) {
			words := shellWords(t, line)
			require.Equal(t, []string{"devlogs", "replay"}, words[:2], line)
			root := NewCommand() // flags keep what was parsed
			verb, args, err := root.Find(words[2:])
			require.NoError(t, err, line)
			require.NoError(t, verb.ParseFlags(args), line)
			require.NoError(t, verb.ValidateArgs(verb.Flags().Args()), line)
			require.NoError(t, verb.ValidateRequiredFlags(), line)
			seen++
		}
		if c.Runnable() {
			require.NotEmpty(t, c.Example, "%s: show how it is used", c.CommandPath())
		}
		for _, sub := range c.Commands() {
			walk(sub)
		}
	}
	walk(NewCommand())
	require.Positive(t, seen)
}

// shellWords splits a line as a shell does, as far as the examples need; a pipe or a redirection ends it.
func shellWords(t *testing.T, line string) (words []string) {
	t.Helper()
	var word strings.Builder
	quote, open := rune(0), false
	for _, c := range strings.TrimSpace(line) + " " {
		switch {
		case quote != 0 && c == quote:
			quote = 0
		case quote == 0 && (c == '\'' || c == '"'):
			quote, open = c, true
		case quote == 0 && c == ' ':
			if open {
				words = append(words, word.String())
			}
			word.Reset()
			open = false
		case quote == 0 && strings.ContainsRune("|<>&", c):
			return words
		default:
			word.WriteRune(c)
			open = true
		}
	}
	require.Zero(t, quote, "a quote is open in %q", line)
	return words
}
