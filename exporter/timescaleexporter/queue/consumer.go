package queue

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// group is the one consumer group: every entry goes to one of its consumers.
const group = "drain"

// Consumer takes the entries of one shard under one name. It is used by one goroutine at a time, but for Touch.
type Consumer struct {
	client redis.UniversalClient
	stream string
	dead   string
	name   string
	cursor string // where the next Claim goes on

	records float64 // of an entry: a moving average over what was read, to ask for about as much as wanted
	largest int     // entry of the last read that gave any
	most    int     // entries at once: fewer after a command that failed, as large ones may not come through in time
}

// Delivery is an entry that this consumer holds until it acknowledges it or dies.
type Delivery struct {
	ID string // of the stream entry
	Entry
	// Err says that the entry can't be read: it is not one of ours, or one of a newer version.
	Err error

	fields map[string]any // as they came, for a dead letter
}

// Whole makes a dead letter of the entry, with all of its fields: a newer version may be able to read what this one can't. What
// has a thousand is of nobody's version.
func (d *Delivery) Whole(reason string) Letter {
	const most = 1000 // Redis' scripts can't pass on many more
	if len(d.fields) > most {
		return Letter{Entry: d.Entry, Reason: fmt.Sprintf("%s; its %d fields are not kept", reason, len(d.fields)), Record: -1}
	}
	return Letter{Entry: d.Entry, Reason: reason, Record: -1, fields: d.fields}
}

// NewConsumer takes entries of a shard. name must be unique among living consumers.
func NewConsumer(config Config, client redis.UniversalClient, shard int, name string) *Consumer {
	return &Consumer{client: client, stream: config.logsKey(shard), dead: config.deadKey(shard), name: name, cursor: begin, most: readAtOnce}
}

// readAtOnce bounds how many entries one command returns: nobody knows how large they are before they are here.
const readAtOnce = 64

// Read takes new entries: about as many as hold the wanted records, bytes at the most, and at least one. When there are
// none it waits for up to block (0: it does not wait) and may return none.
func (c *Consumer) Read(ctx context.Context, records, bytes int, block time.Duration) ([]Delivery, error) {
	count := int64(1)
	if c.records > 0 {
		count = int64(min(float64(records)/c.records, float64(bytes)/float64(c.largest), float64(c.most)))
	}
	if block == 0 {
		block = -1 // what the library takes for "without BLOCK"
	}
	args := &redis.XReadGroupArgs{
		Group: group, Consumer: c.name, Streams: []string{c.stream, ">"}, Count: max(count, 1), Block: block,
	}
	streams, err := c.client.XReadGroup(ctx, args).Result()
	if isNoGroup(err) {
		if err := c.create(ctx); err != nil {
			return nil, err
		}
		streams, err = c.client.XReadGroup(ctx, args).Result()
	}
	if errors.Is(err, redis.Nil) || err == nil && len(streams) == 0 {
		return nil, nil
	}
	c.learn(err)
	if err != nil {
		return nil, fmt.Errorf("read from the queue: %w", err)
	}
	return c.deliveries(streams[0].Messages), nil
}

// Claim takes over entries that some consumer has held for longer than idle without a sign of life; none when it found none
// up to the end of what is pending.
func (c *Consumer) Claim(ctx context.Context, idle time.Duration, count int) ([]Delivery, error) {
	for {
		messages, next, err := c.client.XAutoClaim(ctx, &redis.XAutoClaimArgs{
			Stream: c.stream, Group: group, Consumer: c.name, MinIdle: idle, Start: c.cursor, Count: int64(min(count, c.most)),
		}).Result()
		if isNoGroup(err) {
			return nil, c.create(ctx)
		}
		c.learn(err)
		if err != nil {
			return nil, fmt.Errorf("take over entries of the queue: %w", err)
		}
		c.cursor = next
		if len(messages) > 0 || next == begin { // one command looks at no more than ten times count
			return c.deliveries(messages), nil
		}
	}
}

// learn notes whether a command's answer came through.
func (c *Consumer) learn(err error) {
	if err == nil {
		c.most = min(2*c.most, readAtOnce)
	} else {
		c.most = max(c.most/2, 1)
	}
}

// begin is where a walk through what is pending starts, and what Redis answers at its end.
const begin = "0-0"

// Touch tells the group that the entries are still being worked on.
func (c *Consumer) Touch(ctx context.Context, held []Delivery) error {
	err := c.client.XClaimJustID(ctx, &redis.XClaimArgs{
		Stream: c.stream, Group: group, Consumer: c.name, MinIdle: 0, Messages: ids(held),
	}).Err()
	if err != nil {
		return fmt.Errorf("keep entries of the queue: %w", err)
	}
	return nil
}

// Ack removes entries whose batches are committed. One that is removed already, by a consumer that took it over, is no
// error.
func (c *Consumer) Ack(ctx context.Context, done []Delivery) error {
	if len(done) == 0 {
		return nil
	}
	// Not a transaction: a Redis whose memory is full refuses those. A pending entry that is deleted first is dropped by the
	// next Claim, so stopping in between leaves nothing behind; the other way round it would stay in the stream for ever.
	_, err := c.client.Pipelined(ctx, func(pipe redis.Pipeliner) error {
		pipe.XDel(ctx, c.stream, ids(done)...)
		pipe.XAck(ctx, c.stream, group, ids(done)...)
		return nil
	})
	if err != nil {
		return fmt.Errorf("acknowledge entries of the queue: %w", err)
	}
	return nil
}

// Leave removes the consumer's name when it holds nothing, and the names of consumers that hold nothing and showed no sign
// of life for forgetAfter: names are made anew at each start and would pile up.
func (c *Consumer) Leave(ctx context.Context) error {
	consumers, err := c.client.XInfoConsumers(ctx, c.stream, group).Result()
	if err != nil {
		if isNoGroup(err) || isNoStream(err) {
			return nil
		}
		return fmt.Errorf("list the queue's consumers: %w", err)
	}
	for _, other := range consumers {
		if other.Pending == 0 && (other.Name == c.name || other.Idle > forgetAfter) {
			if err := c.client.XGroupDelConsumer(ctx, c.stream, group, other.Name).Err(); err != nil {
				return fmt.Errorf("remove a consumer of the queue: %w", err)
			}
		}
	}
	return nil
}

const forgetAfter = time.Hour

// create makes the stream and the group. Someone else may have done so meanwhile.
func (c *Consumer) create(ctx context.Context) error {
	err := c.client.XGroupCreateMkStream(ctx, c.stream, group, "0").Err()
	if err != nil && !isGroupThere(err) {
		return fmt.Errorf("create the queue's consumer group: %w", err)
	}
	return nil
}

func (c *Consumer) deliveries(messages []redis.XMessage) []Delivery {
	held := make([]Delivery, 0, len(messages))
	if len(messages) > 0 {
		c.largest = 0
	}
	for _, m := range messages {
		d := Delivery{ID: m.ID, fields: m.Values}
		d.Entry, d.Err = parseEntry(m.Values)
		held = append(held, d)
		c.largest = max(c.largest, d.Size())
		const weight = 0.2
		c.records += weight * (float64(max(d.Records, 1)) - c.records)
	}
	return held
}

func isGroupThere(err error) bool { return strings.HasPrefix(err.Error(), "BUSYGROUP") }

func isNoGroup(err error) bool { return err != nil && strings.HasPrefix(err.Error(), "NOGROUP") }

func isNoStream(err error) bool { return err != nil && strings.Contains(err.Error(), "no such key") }

func ids(held []Delivery) []string {
	out := make([]string, len(held))
	for i := range held {
		out[i] = held[i].ID
	}
	return out
}
