package main

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/instantdevlogs/devlogs/config"
)

func TestVariablesThatAreMissingAreNamedInOneLine(t *testing.T) {
	t.Setenv("DEVLOGS_TEST_SET", "x")
	t.Setenv("DEVLOGS_TEST_EMPTY", "")
	var unset unsetVariables
	failure := errors.New("dsn is empty")
	require.Equal(t, failure, unset.explain(failure), "nothing is missing: the failure speaks for itself")

	for _, uri := range []string{
		"env:DEVLOGS_REDIS_URL", "env:DEVLOGS_REDIS_URL", "env:DEVLOGS_TEST_SET", "env:DEVLOGS_TEST_EMPTY", "env:DEVLOGS_TEST_USUAL:-x",
	} {
		unset.note(uri)
	}
	require.EqualError(t, unset.explain(failure), "the configuration reads variables that are not set: "+
		"set DEVLOGS_REDIS_URL='redis://user:password@host:6379/0' and DEVLOGS_TEST_EMPTY")
	require.NoError(t, unset.explain(nil))
}

func TestBuiltInConfigurationsAreValid(t *testing.T) {
	t.Setenv("DEVLOGS_POSTGRES_DSN", "postgres://user:password@localhost:1/devlogs")
	t.Setenv("DEVLOGS_REDIS_URL", "redis://localhost:1/0")
	t.Setenv("DEVLOGS_KAFKA_BROKERS", "kafka1:9092,kafka2:9092")
	for _, name := range config.Names() {
		mustRun(t, "validate", "--config", "builtin:"+name)
	}
	_, _, err := devlogs(t, "validate", "--config", "builtin:kafka-worker", "--set", "receivers.kafka.brokerz=x")
	require.ErrorContains(t, err, "brokerz", "validate looks at the settings")
}

func TestBuiltInConfigurationsAreFoundByName(t *testing.T) {
	require.Subset(t, config.Names(), []string{"embedded", "production", "gateway", "worker", "query"})
	for _, name := range config.Names() {
		got, err := builtInProvider{}.Retrieve(t.Context(), "builtin:"+name, nil)
		require.NoError(t, err)
		conf, err := got.AsConf()
		require.NoError(t, err)
		require.True(t, conf.IsSet("service"), name)
	}
	_, err := builtInProvider{}.Retrieve(t.Context(), "builtin:nowhere", nil)
	require.ErrorContains(t, err, "use one of embedded")
}
