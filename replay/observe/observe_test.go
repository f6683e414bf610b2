package observe

import (
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestAProcessIsMeasured(t *testing.T) {
	o, err := Start(int32(os.Getpid()))
	require.NoError(t, err)
	before, err := cpu(o.process)
	require.NoError(t, err)
	require.Eventually(t, func() bool { // burns processor time until the kernel's clock has noticed
		now, err := cpu(o.process)
		return err == nil && now > before
	}, time.Minute, time.Microsecond)
	u := o.Stop()
	require.Positive(t, u.RSSMax)
	require.Positive(t, u.CPUSeconds)
	require.False(t, u.Ended)
	dir := t.TempDir()
	require.NoError(t, Save(dir, u))
	back, err := Load(dir)
	require.NoError(t, err)
	require.Equal(t, &u, back)
}

func TestAProcessThatIsNotThereIsAnError(t *testing.T) {
	_, err := Start(1 << 30)
	require.ErrorContains(t, err, "observe process")
}
