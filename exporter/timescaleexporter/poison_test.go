package timescaleexporter

import (
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/instantdevlogs/devlogs/exporter/timescaleexporter/queue"
)

func (r *rig) execute(sql string) {
	r.t.Helper()
	conn, err := pgx.Connect(r.t.Context(), r.own)
	require.NoError(r.t, err)
	defer conn.Close(r.t.Context())
	_, err = conn.Exec(r.t.Context(), sql)
	require.NoError(r.t, err)
}

func (r *rig) letters() []queue.Letter {
	r.t.Helper()
	config, client := r.client()
	var letters []queue.Letter
	for l, err := range queue.Letters(r.t.Context(), config, client, 0) {
		require.NoError(r.t, err)
		letters = append(letters, l)
	}
	return letters
}

func TestOneBadRecordInALargeBatchBecomesADeadLetterAlone(t *testing.T) {
	r := newRig(t)
	gateway := r.start(RoleEnqueue, nil)
	r.store() // makes the schema
	r.execute("ALTER TABLE logs ADD CONSTRAINT poison CHECK (body NOT IN ('large/1234', 'large/3999'))")
	for name, records := range map[string]int{"before": 10, "large": 5000, "after": 10} {
		require.NoError(t, r.send(gateway, name, records))
	}
	r.start(RoleDrain, nil)
	r.drained()
	stored := bodies(t, r.store(), "")
	require.Len(t, stored, 5020-2)
	require.NotContains(t, stored, "large/1234")

	letters := r.letters()
	require.Len(t, letters, 2)
	for i, body := range []string{"large/1234", "large/3999"} {
		logs, err := queue.Unpack(letters[i].Payload)
		require.NoError(t, err)
		require.Equal(t, 1, logs.LogRecordCount())
		require.Equal(t, body, onlyRecord(logs).Body().Str())
		require.Contains(t, letters[i].Reason, "poison")
		require.WithinDuration(t, time.Now(), letters[i].Dropped, time.Minute)
	}
	require.Equal(t, []int{1234, 3999}, []int{letters[0].Record, letters[1].Record})

	r.insist(gateway, "large", 5000) // a client's late retry finds the batch in the ledger
	r.execute("ALTER TABLE logs DROP CONSTRAINT poison")
	config, client := r.client()
	for range 2 { // as if it were asked for twice
		for _, l := range letters {
			require.NoError(t, queue.Requeue(t.Context(), config, client, l))
		}
	}
	r.account()
	require.Empty(t, r.letters())
}

func onlyRecord(logs plog.Logs) plog.LogRecord {
	return logs.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().At(0)
}

func TestAnEntryThatCantBeReadHoldsUpNothing(t *testing.T) {
	r := newRig(t)
	e := r.start(RoleAll, nil)
	config, client := r.client()
	damaged := queue.Entry{Records: 1, Payload: []byte("neither a checksum nor a block")}
	require.NoError(t, r.send(e, "before", 10))
	gauge := queue.NewGauge(config, client, nil, nil)
	defer gauge.Close()
	producer := queue.NewProducer(config, client, gauge, nil)
	defer producer.Close()
	require.NoError(t, producer.Add(t.Context(), &damaged))
	require.NoError(t, r.send(e, "after", 10))
	r.account()
	letters := r.letters()
	require.Len(t, letters, 1)
	require.Equal(t, -1, letters[0].Record)
	require.Contains(t, letters[0].Reason, "decompress")
}
