package timescaleexporter

import (
	"fmt"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componentstatus"
)

// slowDown makes the database take its time for each record.
func (r *rig) slowDown(each time.Duration) (end func()) {
	r.t.Helper()
	r.store() // makes the schema
	r.exec(fmt.Sprintf(`CREATE OR REPLACE FUNCTION dawdle() RETURNS trigger LANGUAGE plpgsql AS
		$$ BEGIN PERFORM pg_sleep(%f); RETURN new; END $$`, each.Seconds()))
	r.exec("CREATE TRIGGER dawdle BEFORE INSERT ON logs FOR EACH ROW EXECUTE FUNCTION dawdle()")
	return func() { r.exec("DROP TRIGGER dawdle ON logs") }
}

func (r *rig) exec(sql string) {
	r.t.Helper()
	conn, err := pgx.Connect(r.t.Context(), r.own)
	require.NoError(r.t, err)
	defer conn.Close(r.t.Context())
	_, err = conn.Exec(r.t.Context(), sql)
	require.NoError(r.t, err)
}

func shortTimeout(c *Config) {
	c.Drain.Consumers, c.Drain.Timeout, c.Drain.ClaimAfter = 1, 2*time.Second, 20*time.Second
}

func TestATransactionThatIsTooSlowAsAWholeIsStoredInParts(t *testing.T) {
	r := newRig(t)
	r.slowDown(10 * time.Millisecond)
	gateway := r.start(RoleEnqueue, nil)
	for i := range 32 { // 320 records of 10 ms each in the first transaction, which may take 2 s
		require.NoError(t, r.send(gateway, fmt.Sprint("batch-", i), 10))
	}
	d := r.start(RoleDrain, shortTimeout)
	r.account()
	assert.EqualValues(t, 32, d.counted(t, "timescale_drain_batches"))
}

func TestOneRequestThatIsTooSlowIsKeptAndReported(t *testing.T) {
	r := newRig(t)
	end := r.slowDown(20 * time.Millisecond)
	gateway := r.start(RoleEnqueue, nil)
	require.NoError(t, r.send(gateway, "small", 10))
	require.NoError(t, r.send(gateway, "large", 300))
	d := r.start(RoleDrain, shortTimeout)
	require.Eventually(t, func() bool { return len(d.host.statuses()) == 1 }, time.Minute, 20*time.Millisecond)
	require.Equal(t, []componentstatus.Status{componentstatus.StatusRecoverableError}, d.host.statuses())
	reason := d.host.reasons()[0]
	for _, part := range []string{"300 records", "drain.timeout (2s)", "raise"} {
		assert.ErrorContains(t, reason, part)
	}
	end()
	r.account()
}
