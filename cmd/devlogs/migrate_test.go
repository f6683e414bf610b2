package main

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/instantdevlogs/devlogs/internal/testservices"
)

func TestMigrateMakesTheSchemaOnce(t *testing.T) {
	db := testservices.Postgres(t)
	t.Setenv(postgresVariable, db.DSN)
	require.Contains(t, mustRun(t, "migrate", "status"), "no schema yet")
	require.Contains(t, mustRun(t, "migrate", "status"), "no schema yet", "looking changes nothing")
	require.Contains(t, mustRun(t, "migrate", "up", "--layout", "plain"), "from version 0 to")
	require.Contains(t, mustRun(t, "migrate", "up"), "nothing to do")
	require.Contains(t, mustRun(t, "migrate", "status"), "layout plain")

	_, _, err := devlogs(t, "migrate", "up", "--layout", "timescale-rowstore")
	require.ErrorContains(t, err, "devlogs copy", "the layout of a database is for good")
}

func TestMigrateSaysWhatItNeeds(t *testing.T) {
	t.Setenv(postgresVariable, "")
	_, _, err := devlogs(t, "migrate", "status")
	require.ErrorContains(t, err, "set DEVLOGS_POSTGRES_DSN")

	_, _, err = devlogs(t, "migrate", "status", "--postgres-dsn", "postgres://someone:secret@127.0.0.1:1/devlogs")
	require.ErrorContains(t, err, "can't be reached")
	require.NotContains(t, err.Error(), "secret")

	_, _, err = devlogs(t, "migrate", "up", "--postgres-dsn", "postgres://someone:secret@127.0.0.1:1/devlogs", "--layout", "round")
	require.ErrorContains(t, err, "timescale-columnstore, timescale-rowstore, plain")
}
