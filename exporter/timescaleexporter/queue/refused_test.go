package queue

import (
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/config/configopaque"
)

// A server that refuses the connection itself (a wrong password, too many clients) answers no command of a pipeline, and the
// library leaves those without an error.
func TestNothingIsAcknowledgedOnAConnectionThatRedisRefuses(t *testing.T) {
	f := start(t, nil)
	require.NoError(t, f.client.Do(t.Context(), "ACL", "SETUSER", "devlogs", "on", ">right", "~*", "+@all").Err())
	for name, url := range map[string]string{
		"a wrong password":             "redis://devlogs:wrong@" + f.server.Address() + "/0",
		"a database that is not there": "redis://devlogs:right@" + f.server.Address() + "/999",
	} {
		t.Run(name, func(t *testing.T) {
			config := f.config
			config.URL = configopaque.String(url)
			client, err := config.Connect(nil)
			require.NoError(t, err)
			defer client.Close()
			_, err = ReadDepth(t.Context(), config, client, 0)
			require.Error(t, err)
			_, err = LiveWorkers(t.Context(), config, client, 0, 1)
			require.Error(t, err)
			producer := NewProducer(config, client, f.gauge, nil)
			defer producer.Close()
			require.Error(t, producer.Add(t.Context(), entry(1)))
			keyed := entry(2)
			keyed.Sent = [16]byte{1, 2}
			require.Error(t, producer.Add(t.Context(), keyed))

			c := NewConsumer(config, client, 0, "a")
			_, err = c.Read(t.Context(), 1, 1, 0)
			require.Error(t, err)
			require.Error(t, c.Ack(t.Context(), []Delivery{{ID: "1-1"}}))
			require.Error(t, c.Bury(t.Context(), nil, []Letter{{}}))
			require.Error(t, c.Leave(t.Context()))
			require.Error(t, Requeue(t.Context(), config, client, Letter{Entry: *entry(1)}))
		})
	}
}

func TestAKeyOfAnotherProgramIsNamed(t *testing.T) {
	f := start(t, nil)
	require.NoError(t, f.client.Set(t.Context(), f.config.logsKey(0), "not a stream", 0).Err())
	require.ErrorContains(t, f.producer.Add(t.Context(), entry(1)), "redis.prefix")
	_, err := ReadDepth(t.Context(), f.config, f.client, 0)
	require.ErrorContains(t, err, "redis.prefix")
}
