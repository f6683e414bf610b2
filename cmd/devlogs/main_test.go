package main

import (
	"bytes"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/instantdevlogs/devlogs/internal/testservices"
)

func TestMain(m *testing.M) { os.Exit(testservices.Run(m)) }

// devlogs runs a command as main does and gives what it wrote.
func devlogs(t *testing.T, args ...string) (stdout, stderr string, err error) {
	t.Helper()
	cmd := newRootCommand()
	var out, errOut bytes.Buffer
	cmd.SetOut(&out)
	cmd.SetErr(&errOut)
	cmd.SetArgs(args)
	err = cmd.ExecuteContext(t.Context())
	return out.String(), errOut.String(), err
}

// mustRun runs a command that must succeed.
func mustRun(t *testing.T, args ...string) string {
	t.Helper()
	out, _, err := devlogs(t, args...)
	require.NoError(t, err)
	return out
}
