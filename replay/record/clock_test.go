package record

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/instantdevlogs/devlogs/replay/inspect"
	"github.com/instantdevlogs/devlogs/replay/recording"
)

// hands are clocks that a test moves.
type hands struct{ wall, mono atomic.Int64 }

func (h *hands) read() (wall, mono int64) { return h.wall.Load(), h.mono.Load() }

// pass lets both go on.
func (h *hands) pass(d time.Duration) {
	h.wall.Add(int64(d))
	h.mono.Add(int64(d))
}

func newHands() *hands {
	h := &hands{}
	h.wall.Store(1_700_000_000_000_000_000)
	h.mono.Store(5)
	return h
}

func TestArrivalsFollowTheMonotonicClock(t *testing.T) {
	h := newHands()
	begin := h.wall.Load()
	c := newClock(h.read)
	h.pass(time.Second)
	require.Equal(t, begin+int64(time.Second), c.now())
	require.Empty(t, c.takeJumps())

	h.wall.Add(int64(time.Hour)) // set, or the machine slept
	require.Equal(t, begin+int64(time.Second), c.now())
	h.pass(time.Second)
	require.Equal(t, begin+2*int64(time.Second), c.now())
	require.Equal(t, []recording.Jump{{AtNS: begin + int64(time.Second), ByNS: int64(time.Hour)}}, c.takeJumps(), "it is noted once")

	h.wall.Add(-int64(time.Hour))
	require.Equal(t, begin+2*int64(time.Second), c.now())
	require.Equal(t, []recording.Jump{{AtNS: begin + 2*int64(time.Second), ByNS: -int64(time.Hour)}}, c.takeJumps())
}

func TestAClockThatIsDisciplinedHasNotJumped(t *testing.T) {
	h := newHands()
	c := newClock(h.read)
	for range 1000 {
		h.pass(time.Minute)
		h.wall.Add(int64(30 * time.Millisecond)) // half of 0.1 %
		c.now()
	}
	require.Empty(t, c.takeJumps())
}

func TestAKernelsStampIsTakenUnlessTheClockWasSet(t *testing.T) {
	h := newHands()
	c := newClock(h.read)
	stamp := h.wall.Load()
	h.pass(3 * time.Millisecond)
	require.Equal(t, stamp, c.fromWall(stamp))
	require.Equal(t, h.wall.Load(), c.fromWall(0), "none")
	require.Equal(t, h.wall.Load(), c.fromWall(h.wall.Load()+1), "one that is yet to come")
	now := c.now()
	h.wall.Add(int64(time.Hour))
	require.Equal(t, now, c.fromWall(stamp), "the clock went forward after the stamp")
	h.wall.Add(-2 * int64(time.Hour))
	require.Equal(t, now, c.fromWall(stamp), "and back")
	h.pass(time.Millisecond)
	stamp = h.wall.Load() - 1000
	require.Equal(t, c.now()-1000, c.fromWall(stamp), "stamps of the new clock are good again")
}

// The wall clock is set back by an hour between two requests: the replay sends them a second apart all the same, and the
// recording says what happened.
func TestARecordingOutlivesAClockThatIsSet(t *testing.T) {
	upstream := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer upstream.Close()
	h := newHands()
	config := Default()
	config.Listen, config.Dir, config.Raw, config.clocks = []string{"127.0.0.1:0"}, filepath.Join(t.TempDir(), "rec"), true, h.read
	var err error
	config.Upstream, err = ParseUpstream(upstream.URL)
	require.NoError(t, err)
	tap, err := Start(config)
	require.NoError(t, err)
	for _, step := range []time.Duration{0, -time.Hour, 0} {
		h.wall.Add(int64(step))
		answer, err := http.Post("http://"+tap.Addrs()[0], "text/plain", bytes.NewReader([]byte("x")))
		require.NoError(t, err)
		answer.Body.Close()
		h.pass(time.Second)
	}
	http.DefaultClient.CloseIdleConnections()
	require.NoError(t, tap.Close(context.Background()))

	r, err := recording.Open([]string{config.Dir}, recording.Options{Strict: true})
	require.NoError(t, err)
	defer r.Close()
	var arrivals []int64
	for m, err := range r.Messages() {
		require.NoError(t, err)
		arrivals = append(arrivals, m.Arrival-1_700_000_000_000_000_000)
	}
	require.Equal(t, []int64{0, int64(time.Second), 2 * int64(time.Second)}, arrivals)
	summary, err := inspect.Read([]string{config.Dir}, recording.Options{})
	require.NoError(t, err)
	var said bytes.Buffer
	summary.Print(&said, 1)
	require.Contains(t, said.String(), "the wall clock went back by 1h0m0s at 2023-11-14T22:13:21Z")
}
