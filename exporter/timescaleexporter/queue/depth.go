package queue

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// ReadDepth asks Redis how full a shard is, in one round trip.
func ReadDepth(ctx context.Context, config Config, client redis.UniversalClient, shard int) (Depth, error) {
	key := config.logsKey(shard)
	pipe := client.Pipeline()
	length := pipe.XLen(ctx, key)
	memory := pipe.MemoryUsage(ctx, key)
	info := pipe.XInfoStream(ctx, key)
	groups := pipe.XInfoGroups(ctx, key)
	dead := pipe.XLen(ctx, config.deadKey(shard))
	var now *redis.TimeCmd
	if !config.Cluster { // TIME has no key; in a cluster any node might answer it
		now = pipe.Time(ctx)
	}
	// A stream that is not there yet is no error; when Redis is away those of the lengths are the same.
	if err := cmp.Or(exec(ctx, pipe), length.Err(), dead.Err()); err != nil {
		return Depth{}, fmt.Errorf("read the depth of the queue: %w", nameRedis(err))
	}
	d := Depth{Entries: length.Val(), Dead: dead.Val()}
	if err := memory.Err(); err != nil && !errors.Is(err, redis.Nil) {
		return d, fmt.Errorf("read the memory of the queue (a Redis user needs MEMORY USAGE): %w", err)
	}
	d.Bytes = memory.Val()
	if info.Err() != nil { // no such key
		return d, nil
	}
	d.Added = info.Val().EntriesAdded
	for _, g := range groups.Val() {
		if g.Name == group {
			d.Grouped, d.Pending = true, g.Pending
		}
	}
	clock := time.Now()
	if now != nil && now.Err() == nil {
		clock = now.Val()
	}
	if d.Entries > 0 {
		d.Oldest = max(clock.Sub(entryTime(info.Val().FirstEntry.ID)), 0)
	}
	return d, nil
}

// LiveWorkers counts the processes that drain a shard: those of which a consumer asked for something within the given time.
func LiveWorkers(ctx context.Context, config Config, client redis.UniversalClient, shard int, within time.Duration) (int, error) {
	consumers, err := client.XInfoConsumers(ctx, config.logsKey(shard), group).Result()
	if isNoGroup(err) || isNoStream(err) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("list the queue's consumers: %w", err)
	}
	live := map[string]struct{}{}
	for _, c := range consumers {
		if c.Idle < within {
			live[path.Dir(c.Name)] = struct{}{} // a process has several, named process/number
		}
	}
	return len(live), nil
}

// entryTime is when an entry was added, by the server's clock: the id begins with it in milliseconds.
func entryTime(id string) time.Time {
	ms, _, _ := strings.Cut(id, "-")
	n, err := strconv.ParseInt(ms, 10, 64)
	if err != nil {
		return time.Now()
	}
	return time.UnixMilli(n)
}
