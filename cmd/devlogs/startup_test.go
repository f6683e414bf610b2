package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/instantdevlogs/devlogs/storage/duckdb"
)

func TestADirectoryInUseIsExplainedInPlainWords(t *testing.T) {
	err := fmt.Errorf("failed to start extensions: %w", &duckdb.InUseError{Dir: "/data", Process: 4711})
	require.EqualError(t, explain(err),
		"/data is in use by another process (4711), perhaps another devlogs: stop it, or set DEVLOGS_DATA_DIR to another directory")
	require.EqualError(t, &duckdb.InUseError{Dir: "/data"}, "/data is in use by another process: stop it, or use another directory")
}

func TestTheMetricsPortInUseIsNamedWithItsVariable(t *testing.T) {
	taken, err := net.Listen("tcp", "localhost:0")
	require.NoError(t, err)
	defer taken.Close()
	t.Setenv("DEVLOGS_METRICS_PORT", strconv.Itoa(taken.Addr().(*net.TCPAddr).Port))
	_, err = net.Listen("tcp", taken.Addr().String())
	require.ErrorContains(t, explain(errors.Join(fmt.Errorf("failed to create meter provider: %w", err))), "set DEVLOGS_METRICS_PORT to a free port")
}

func TestSettingsThatThereAreNotAreNamedWithoutGoTypes(t *testing.T) {
	for setting, want := range map[string]string{
		"receivers.json_log.btach=1":            `for "json_log": has invalid keys: btach`,
		"exporters.duckdb.pathh=1":              `for "duckdb": has invalid keys: pathh`,
		"extensions.query_api.limits.mx=1":      `for "query_api": 'limits' has invalid keys: mx`,
		"exporters.duckdb.retention.max_age=7d": "'retention.max_age' time: unknown unit; days are written in hours: 168h is a week",
	} {
		_, _, err := devlogs(t, "validate", "--set", setting)
		require.ErrorContains(t, err, want, setting)
		require.NotContains(t, err.Error(), "struct {")
		require.NotContains(t, err.Error(), "\n")
	}
}

func TestAStoreThatNobodyWouldReadIsRefused(t *testing.T) {
	elsewhere := t.TempDir()
	_, _, err := devlogs(t, "validate", "--set", "exporters.duckdb.path="+elsewhere)
	require.ErrorContains(t, err, "logs are written to "+elsewhere+" (exporters.duckdb.path) and looked for in ")
	require.ErrorContains(t, err, "(extensions.query_api.storage.duckdb.path)")
	require.ErrorContains(t, err, "DEVLOGS_DATA_DIR")
	mustRun(t, "validate", "--set", "exporters.duckdb.path="+elsewhere,
		"--set", "extensions.query_api.storage.duckdb.path="+elsewhere+string(filepath.Separator))
	mustRun(t, "validate", "--set", "exporters.duckdb.path="+elsewhere, "--set", "service.extensions=[]")
	mustRun(t, "validate", "--set", "exporters.duckdb/copy.path="+elsewhere, "--set", "service.pipelines.logs.exporters=[duckdb, duckdb/copy]")
}

func TestValidateAndPrintConfigSayWhatTheyDo(t *testing.T) {
	require.Equal(t, "OK: builtin:embedded\n", mustRun(t, "validate"))
	help := mustRun(t, "validate", "--help")
	require.Less(t, len(help), 1200, "not a list of every feature gate")
	require.NotContains(t, mustRun(t, "print-config", "--help"), "experimental")
	written, err := os.ReadFile("../../config/embedded.yaml")
	require.NoError(t, err)
	require.Equal(t, string(written), mustRun(t, "print-config", "--builtin", "embedded"))
	own := filepath.Join(t.TempDir(), "own.yaml")
	require.NoError(t, os.WriteFile(own, written, 0o600))
	require.Equal(t, "OK: "+own+"\n", mustRun(t, "validate", "--config", own))
}

func TestCommandsAndFlagsThatThereAreNotGetAHint(t *testing.T) {
	for _, test := range []struct {
		args []string
		want string
	}{
		{[]string{"qury"}, `there is no command "qury": did you mean query? see devlogs --help`},
		{[]string{"queue", "staus"}, `there is no command "staus": did you mean status? see devlogs queue --help`},
		{[]string{"xyzzy"}, `there is no command "xyzzy": see devlogs --help`},
		{[]string{"query", "--sicne", "1h"}, "unknown flag: --sicne: see devlogs query --help"},
	} {
		_, _, err := devlogs(t, test.args...)
		require.EqualError(t, err, test.want)
	}
}

func TestTheBannerNamesAProgramThatThereIs(t *testing.T) {
	running, err := os.Executable()
	require.NoError(t, err)
	dir := t.TempDir()
	t.Setenv("PATH", dir)
	require.Equal(t, os.Args[0], program(), "there is none on the PATH")
	require.NoError(t, os.WriteFile(filepath.Join(dir, "devlogs"), []byte("#!/bin/sh\n"), 0o700))
	require.Equal(t, os.Args[0], program(), "that is another one")
	require.NoError(t, os.Remove(filepath.Join(dir, "devlogs")))
	require.NoError(t, os.Symlink(running, filepath.Join(dir, "devlogs")))
	require.Equal(t, "devlogs", program())
}
