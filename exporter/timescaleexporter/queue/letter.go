package queue

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/google/uuid"
	"github.com/redis/go-redis/v9"
)

// Letter is a dead letter: something that the database refused for what it holds, or a batch whose idempotency key was taken,
// kept for a person to look at.
type Letter struct {
	Shard   int
	ID      string    // of the entry in the dead-letter stream; it begins with the time in milliseconds
	Entry             // Batch is the batch that it was in; Records is 0 when the entry could not be read
	Reason  string    // "r": why
	Record  int       // "i": which record of the batch, from 0; -1 when it is the whole entry
	Dropped time.Time // when it was put here

	fields map[string]any // of a whole entry, as it was in the queue
}

const (
	fieldReason = "r"
	fieldRecord = "i"
)

// buryScript writes letters and then takes entries out of the queue, both or none. A script, because a Redis whose memory is full
// refuses the same as a transaction: then a drain that holds something bad would wait for the memory that only drains free.
//
// KEYS: the dead letters, the queue. ARGV: the group, how many letters, of each how many fields and values and these, the entries' ids.
const buryScript = `#!lua flags=allow-oom
local at = 3
for _ = 1, tonumber(ARGV[2]) do
	local last = at + tonumber(ARGV[at])
	redis.call('XADD', KEYS[1], '*', unpack(ARGV, at + 1, last))
	at = last + 1
end
for i = at, #ARGV do
	redis.call('XACK', KEYS[2], ARGV[1], ARGV[i])
	redis.call('XDEL', KEYS[2], ARGV[i])
end
return 0`

// buryAtOnce bounds the letters of one script, and what they hold: Redis serves nobody else meanwhile.
const (
	buryAtOnce      = 512
	buryBytesAtOnce = 8 << 20
)

// Bury moves deliveries out of the queue: the letters go to the dead-letter stream, and when all are there done leaves the queue.
// One that dies in between leaves letters that come again, never one too few.
func (c *Consumer) Bury(ctx context.Context, done []Delivery, letters []Letter) error {
	for {
		n, size := 0, 0
		for n < len(letters) && n < buryAtOnce && (n == 0 || size+letters[n].Size() <= buryBytesAtOnce) {
			size += letters[n].Size()
			n++
		}
		args := []any{group, n}
		for i := range letters[:n] {
			values := append(letters[i].asEntry(), fieldReason, letters[i].Reason, fieldRecord, letters[i].Record)
			args = append(append(args, len(values)), values...)
		}
		letters = letters[n:]
		if len(letters) == 0 {
			for i := range done {
				args = append(args, done[i].ID)
			}
		}
		if err := c.client.Eval(ctx, buryScript, []string{c.dead, c.stream}, args...).Err(); err != nil {
			return fmt.Errorf("write dead letters: %w", err)
		}
		if len(letters) == 0 {
			return nil
		}
	}
}

// asEntry is what stands in the letter beside the reason: the fields of an entry, also those that this version does not know.
func (l *Letter) asEntry() []any {
	if l.fields == nil {
		return l.values()
	}
	var values []any
	for _, field := range slices.Sorted(maps.Keys(l.fields)) {
		values = append(values, field, l.fields[field])
	}
	return values
}

// Letters yields the dead letters of a shard, oldest first.
func Letters(ctx context.Context, config Config, client redis.UniversalClient, shard int) iter.Seq2[Letter, error] {
	return func(yield func(Letter, error) bool) {
		const page = 8 // each may be as large as a request, and must come through within the client's timeout
		from := "-"
		for {
			messages, err := client.XRangeN(ctx, config.deadKey(shard), from, "+", page).Result()
			if err != nil {
				yield(Letter{}, fmt.Errorf("read dead letters: %w", err))
				return
			}
			for _, m := range messages {
				if !yield(parseLetter(shard, m), nil) {
					return
				}
				from = "(" + m.ID
			}
			if len(messages) < page {
				return
			}
		}
	}
}

func parseLetter(shard int, m redis.XMessage) Letter {
	l := Letter{Shard: shard, ID: m.ID, Dropped: entryTime(m.ID), Record: -1, fields: maps.Clone(m.Values)}
	delete(l.fields, fieldReason)
	delete(l.fields, fieldRecord)
	l.Entry, _ = parseEntry(m.Values) // what could not be read is kept all the same: Reason tells
	if text, ok := m.Values[fieldPayload].(string); ok {
		l.Payload = []byte(text)
	}
	l.Reason, _ = m.Values[fieldReason].(string)
	if text, ok := m.Values[fieldRecord].(string); ok {
		if n, err := strconv.Atoi(text); err == nil {
			l.Record = n
		}
	}
	return l
}

// Requeue puts a letter back into the queue, after its cause was mended. The batch that it was in is in the ledger already,
// so the letter gets one of its own, made from that, from the record's place and from what was sent under the id: it is stored
// once also when the queue holds it twice, and when a drain that died had left the same letter twice.
func Requeue(ctx context.Context, config Config, client redis.UniversalClient, l Letter) error {
	if l.Records == 0 {
		return errors.New("requeue: this version can't read the letter: a newer one may, or purge it")
	}
	name := []byte(strconv.Itoa(l.Record))
	if l.keyed() {
		name = append(name, l.Sent[:]...)
	}
	id := uuid.NewSHA1(l.Batch, name)
	l.Batch = id
	if l.fields != nil {
		l.fields = maps.Clone(l.fields)
		l.fields[fieldBatch] = id[:]
	}
	_, err := client.TxPipelined(ctx, func(pipe redis.Pipeliner) error {
		pipe.XAdd(ctx, &redis.XAddArgs{Stream: config.logsKey(l.Shard), Values: l.asEntry()})
		pipe.XDel(ctx, config.deadKey(l.Shard), l.ID)
		return nil
	})
	if err != nil {
		return fmt.Errorf("requeue: %w", err)
	}
	return nil
}

// Purge removes a letter for good.
func Purge(ctx context.Context, config Config, client redis.UniversalClient, l Letter) error {
	if err := client.XDel(ctx, config.deadKey(l.Shard), l.ID).Err(); err != nil {
		return fmt.Errorf("purge: %w", err)
	}
	return nil
}
