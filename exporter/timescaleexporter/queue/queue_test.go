package queue

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/config/configopaque"
	"go.opentelemetry.io/collector/pdata/plog"
	"golang.org/x/sync/errgroup"

	"github.com/instantdevlogs/devlogs/internal/testservices"
)

type fixture struct {
	server   *testservices.RedisServer
	config   Config
	client   redis.UniversalClient
	gauge    *Gauge
	producer *Producer
}

func start(t *testing.T, change func(*Config), args ...string) *fixture {
	t.Helper()
	f := &fixture{server: testservices.Redis(t, args...), config: DefaultConfig()}
	f.config.URL = configopaque.String(f.server.URL)
	if change != nil {
		change(&f.config)
	}
	require.NoError(t, f.config.Validate())
	var err error
	f.client, err = f.config.Connect(nil)
	require.NoError(t, err)
	f.gauge = NewGauge(f.config, f.client, nil, nil)
	f.producer = NewProducer(f.config, f.client, f.gauge, nil)
	t.Cleanup(func() {
		f.producer.Close()
		f.gauge.Close()
		require.NoError(t, f.client.Close())
	})
	return f
}

// behindProxy gives a client that reaches the server through a proxy, and its configuration.
func (f *fixture) behindProxy(t *testing.T) (*testservices.FaultProxy, Config, redis.UniversalClient) {
	proxy := testservices.NewFaultProxy(t, f.server.Network(), f.server.Address())
	config := f.config
	config.URL = configopaque.String("redis://" + proxy.Address() + "/0")
	client, err := config.Connect(nil)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, client.Close()) })
	return proxy, config, client
}

func (f *fixture) consumer(shard int, name string) *Consumer {
	return NewConsumer(f.config, f.client, shard, name)
}

func entry(i int) *Entry {
	logs := plog.NewLogs()
	logs.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords().AppendEmpty().Body().SetStr(fmt.Sprint("line ", i))
	message, err := (&plog.ProtoMarshaler{}).MarshalLogs(logs)
	if err != nil {
		panic(err)
	}
	return &Entry{
		Batch: uuid.NewSHA1(uuid.Nil, fmt.Append(nil, i)), Tenant: fmt.Sprint("tenant-", i%3), Records: 1, Arrival: 42,
		Payload: Pack(message),
	}
}

func readAll(t *testing.T, c *Consumer) []Delivery {
	t.Helper()
	var all []Delivery
	for {
		held, err := c.Read(t.Context(), 100, 1<<20, 0)
		require.NoError(t, err)
		if len(held) == 0 {
			return all
		}
		all = append(all, held...)
	}
}

func TestEntriesComeOutAsTheyWentIn(t *testing.T) {
	f := start(t, func(c *Config) { c.Shards = 3 })
	want := map[uuid.UUID]*Entry{}
	var adders errgroup.Group
	for i := range 200 {
		e := entry(i)
		want[e.Batch] = e
		adders.Go(func() error { return f.producer.Add(t.Context(), e) })
	}
	require.NoError(t, adders.Wait())

	for shard := range 3 {
		c := f.consumer(shard, "a")
		held := readAll(t, c)
		assert.NotEmpty(t, held, "the entries spread over the shards")
		for _, d := range held {
			require.NoError(t, d.Err)
			require.Contains(t, want, d.Batch)
			assert.Equal(t, *want[d.Batch], d.Entry)
			delete(want, d.Batch)
		}
		require.NoError(t, c.Ack(t.Context(), held))
		require.NoError(t, c.Ack(t.Context(), held), "a second acknowledgement is no error")
		depth, err := ReadDepth(t.Context(), f.config, f.client, shard)
		require.NoError(t, err)
		assert.Zero(t, depth.Entries)
		assert.Zero(t, depth.Pending)
	}
	assert.Empty(t, want)
}

func TestWhatADeadConsumerHeldIsTakenOver(t *testing.T) {
	f := start(t, nil)
	for i := range 40 {
		require.NoError(t, f.producer.Add(t.Context(), entry(i)))
	}
	dead, living, heir := f.consumer(0, "dead"), f.consumer(0, "living"), f.consumer(0, "heir")
	lost, err := dead.Read(t.Context(), 20, 1<<20, 0)
	require.NoError(t, err)
	kept := readAll(t, living)
	require.Len(t, kept, 40-len(lost))

	const idle = 200 * time.Millisecond
	var claimed []Delivery
	require.Eventually(t, func() bool {
		if !assert.NoError(t, living.Touch(t.Context(), kept)) {
			return true
		}
		more, err := heir.Claim(t.Context(), idle, 7)
		claimed = append(claimed, more...)
		return !assert.NoError(t, err) || len(claimed) >= len(lost)
	}, 10*time.Second, idle/4)
	assert.ElementsMatch(t, lost, claimed, "the dead one's entries and no others")
}

func TestAboveTheHighWaterMarkTheClientIsToldWhenToComeBack(t *testing.T) {
	f := start(t, func(c *Config) { c.MaxEntries = 10 })
	var full *FullError
	accepted := 0
	require.Eventually(t, func() bool {
		for f.producer.Add(t.Context(), entry(accepted)) == nil {
			accepted++
		}
		return accepted >= 10
	}, 10*time.Second, 50*time.Millisecond, "a round of the gauge may count what was just added twice, until the next round")
	assert.Equal(t, 10, accepted, "and never takes more than the limit")
	require.ErrorAs(t, f.producer.Add(t.Context(), entry(accepted)), &full)
	assert.Contains(t, full.Error(), "redis.max_entries")
	assert.GreaterOrEqual(t, full.After, time.Second)

	c := f.consumer(0, "a")
	require.NoError(t, c.Ack(t.Context(), readAll(t, c)))
	require.Eventually(t, func() bool { return f.producer.Add(t.Context(), entry(11)) == nil }, 10*time.Second, 50*time.Millisecond)
}

func TestRedisOutOfMemoryRefusesAndRecovers(t *testing.T) {
	f := start(t, nil, "--maxmemory", "6mb", "--maxmemory-policy", "noeviction")
	big := entry(0)
	big.Payload = []byte(strings.Repeat("x", 200_000))
	accepted := 0
	var full *FullError
	for full == nil {
		e := *big
		e.Batch = uuid.New()
		if err := f.producer.Add(t.Context(), &e); err != nil {
			require.ErrorAs(t, err, &full)
			break
		}
		accepted++
	}
	assert.Contains(t, full.Error(), "maxmemory")

	c := f.consumer(0, "a")
	held := readAll(t, c)
	require.Len(t, held, accepted, "what was accepted is there, and nothing else")
	require.NoError(t, c.Ack(t.Context(), held), "draining works while memory is full")
	require.NoError(t, f.producer.Add(t.Context(), entry(1)))
}

func TestAnEmptiedRedisGetsItsGroupAgain(t *testing.T) {
	f := start(t, nil)
	c := f.consumer(0, "a")
	require.Empty(t, readAll(t, c))
	require.NoError(t, f.client.FlushDB(t.Context()).Err())
	require.NoError(t, f.producer.Add(t.Context(), entry(1)))
	require.Len(t, readAll(t, c), 1)
}

func TestAcknowledgedEntriesSurviveAKilledRedis(t *testing.T) {
	// "everysec" would not do: while a background fsync runs, Redis answers before it has written to the file.
	f := start(t, nil, "--appendonly", "yes", "--appendfsync", "always")
	want := map[uuid.UUID]bool{}
	for i := range 50 {
		e := entry(i)
		require.NoError(t, f.producer.Add(t.Context(), e))
		want[e.Batch] = true
	}
	f.server.Kill(t)
	require.Error(t, f.producer.Add(t.Context(), entry(50)), "nobody is told that a dead Redis has it")
	f.server.Start(t)
	require.Eventually(t, func() bool {
		err := f.producer.Add(t.Context(), entry(50))
		return err == nil
	}, 10*time.Second, 20*time.Millisecond)
	for _, d := range readAll(t, f.consumer(0, "a")) {
		delete(want, d.Batch)
	}
	assert.Empty(t, want)
}

func TestForeignEntriesAreDeliveredWithAnError(t *testing.T) {
	f := start(t, nil)
	require.NoError(t, f.client.XAdd(t.Context(), &redis.XAddArgs{Stream: f.config.logsKey(0), Values: []any{"hello", "world"}}).Err())
	held := readAll(t, f.consumer(0, "a"))
	require.Len(t, held, 1)
	require.Error(t, held[0].Err)
}

// What a newer version put into the queue this one may not be able to read. It keeps all of it, for that one.
func TestADeadLetterKeepsAlsoWhatThisVersionDoesNotKnow(t *testing.T) {
	f := start(t, nil)
	newer := append(entry(1).values(), "v", "2", "x", "more")
	foreign := []any{"v", "3", "b", "no id", "everything", "else"}
	for _, values := range [][]any{newer, foreign} {
		require.NoError(t, f.client.XAdd(t.Context(), &redis.XAddArgs{Stream: f.config.logsKey(0), Values: values}).Err())
	}
	c := f.consumer(0, "a")
	held := readAll(t, c)
	require.Len(t, held, 2)
	require.NoError(t, c.Bury(t.Context(), held, []Letter{held[0].Whole("of a newer version"), held[1].Whole("foreign")}))
	dead, err := f.client.XRange(t.Context(), f.config.deadKey(0), "-", "+").Result()
	require.NoError(t, err)
	require.Equal(t, map[string]any{"v": "3", "b": "no id", "everything": "else", "r": "foreign", "i": "-1"}, dead[1].Values)

	for l, err := range Letters(t.Context(), f.config, f.client, 0) {
		require.NoError(t, err)
		if l.Reason == "foreign" {
			require.ErrorContains(t, Requeue(t.Context(), f.config, f.client, l), "a newer one may")
		} else {
			require.NoError(t, Requeue(t.Context(), f.config, f.client, l))
		}
	}
	again, err := f.client.XRange(t.Context(), f.config.logsKey(0), "-", "+").Result()
	require.NoError(t, err)
	require.Len(t, again, 1)
	require.Equal(t, "more", again[0].Values["x"])
	require.NotContains(t, again[0].Values, "r")
}

// A drain that died may have held little among much that living ones hold.
func TestWhatADeadConsumerHeldIsFoundAtTheEndOfALongList(t *testing.T) {
	f := start(t, nil)
	const entries = 500
	pipe := f.client.Pipeline()
	for i := range entries {
		pipe.XAdd(t.Context(), &redis.XAddArgs{Stream: f.config.logsKey(0), Values: entry(i).values()})
	}
	_, err := pipe.Exec(t.Context())
	require.NoError(t, err)
	living, dead, heir := f.consumer(0, "living"), f.consumer(0, "dead"), f.consumer(0, "heir")
	var all []Delivery
	for len(all) < entries-1 {
		held, err := living.Read(t.Context(), entries-1-len(all), 1<<20, 0)
		require.NoError(t, err)
		all = append(all, held...)
	}
	last := readAll(t, dead)
	require.NotEmpty(t, last)
	require.NoError(t, f.client.Do(t.Context(), "XCLAIM", f.config.logsKey(0), group, "dead", 0, last[0].ID, "IDLE", time.Hour.Milliseconds(), "JUSTID").Err())
	claimed, err := heir.Claim(t.Context(), time.Minute, 16)
	require.NoError(t, err)
	require.Len(t, claimed, 1, "by one call")
	require.Equal(t, last[0].ID, claimed[0].ID)
}

// Many large entries at once may not come through within the client's timeout, each time again.
func TestAReadThatFailsIsTriedWithFewerEntries(t *testing.T) {
	f := start(t, nil)
	proxy, config, client := f.behindProxy(t)
	for i := range 200 {
		require.NoError(t, f.producer.Add(t.Context(), entry(i)))
	}
	c := NewConsumer(config, client, 0, "a")
	read := func() int {
		held, err := c.Read(t.Context(), 1000, 1<<20, 0)
		if err != nil {
			return -1
		}
		return len(held)
	}
	require.Equal(t, 1, read())
	require.Equal(t, readAtOnce, read())
	proxy.Refuse()
	for range 10 {
		require.Equal(t, -1, read())
	}
	proxy.Resume()
	require.Equal(t, 1, read())
	require.Equal(t, 2, read())
	require.Equal(t, 4, read())
}

func TestDeadLettersAreReadRequeuedAndPurged(t *testing.T) {
	f := start(t, nil)
	for i := range 3 {
		require.NoError(t, f.producer.Add(t.Context(), entry(i)))
	}
	c := f.consumer(0, "a")
	held := readAll(t, c)
	require.NoError(t, c.Bury(t.Context(), held, []Letter{
		{Entry: held[0].Entry, Reason: "too long", Record: 7},
		{Entry: held[1].Entry, Reason: "damaged", Record: -1},
	}))
	require.Empty(t, readAll(t, c))

	var letters []Letter
	for l, err := range Letters(t.Context(), f.config, f.client, 0) {
		require.NoError(t, err)
		letters = append(letters, l)
	}
	require.Len(t, letters, 2)
	assert.Equal(t, held[0].Entry, letters[0].Entry)
	assert.Equal(t, "too long", letters[0].Reason)
	assert.Equal(t, 7, letters[0].Record)
	assert.Equal(t, -1, letters[1].Record)

	require.NoError(t, Requeue(t.Context(), f.config, f.client, letters[0]))
	require.NoError(t, Purge(t.Context(), f.config, f.client, letters[1]))
	again := readAll(t, c)
	require.Len(t, again, 1)
	assert.NotEqual(t, held[0].Batch, again[0].Batch, "the ledger has the batch's own id already")
	assert.Equal(t, held[0].Payload, again[0].Payload)
	depth, err := ReadDepth(t.Context(), f.config, f.client, 0)
	require.NoError(t, err)
	assert.Zero(t, depth.Dead)
}

func TestANetworkThatFailsIsAnErrorForEveryWaiter(t *testing.T) {
	f := start(t, nil)
	proxy, config, client := f.behindProxy(t)
	producer := NewProducer(config, client, f.gauge, nil)
	defer producer.Close()

	require.NoError(t, producer.Add(t.Context(), entry(0)))
	proxy.Refuse()
	require.Error(t, producer.Add(t.Context(), entry(1)))
	proxy.Resume()
	require.NoError(t, producer.Add(t.Context(), entry(1)))

	proxy.Stall()
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	require.ErrorIs(t, producer.Add(ctx, entry(2)), context.DeadlineExceeded)
	proxy.Resume()
}

func TestErrorsDoNotHoldThePassword(t *testing.T) {
	for _, url := range []string{"redis://:secret@host:port/0", "http://user:secret@host", "redis://:secret@localhost:1/0"} {
		c := DefaultConfig()
		c.URL = configopaque.String(url)
		err := c.Validate()
		if err == nil {
			client, err2 := c.Connect(nil)
			require.NoError(t, err2)
			_, err = ReadDepth(t.Context(), c, client, 0)
			require.NoError(t, client.Close())
		}
		require.Error(t, err)
		assert.NotContains(t, err.Error(), "secret")
	}
}

func FuzzUnpack(f *testing.F) {
	f.Add(entry(1).Payload)
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, payload []byte) {
		logs, err := Unpack(payload)
		if err != nil {
			return
		}
		message, err := (&plog.ProtoMarshaler{}).MarshalLogs(logs)
		require.NoError(t, err)
		again, err := Unpack(Pack(message))
		require.NoError(t, err)
		require.Equal(t, logs.LogRecordCount(), again.LogRecordCount())
	})
}

func BenchmarkAdd(b *testing.B) {
	server := testservices.Redis(b)
	config := DefaultConfig()
	config.URL = configopaque.String(server.URL)
	config.MaxEntries = 1 << 40
	config.MaxBytes = 1 << 40
	client, err := config.Connect(nil)
	require.NoError(b, err)
	defer client.Close()
	gauge := NewGauge(config, client, nil, nil)
	defer gauge.Close()
	producer := NewProducer(config, client, gauge, nil)
	defer producer.Close()
	e := entry(1)
	e.Payload = []byte(strings.Repeat("x", 100_000)) // 5,000 records of the reference corpus, compressed
	b.SetBytes(int64(len(e.Payload)))
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if err := producer.Add(context.Background(), e); err != nil {
				b.Error(err)
				return
			}
		}
	})
	b.StopTimer()
	require.NoError(b, client.FlushAll(context.Background()).Err())
}
