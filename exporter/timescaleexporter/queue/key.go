package queue

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"
	"github.com/redis/go-redis/v9"

	"github.com/instantdevlogs/devlogs/storage"
)

// ErrKeyTaken says that something else came under the entry's idempotency key lately. Nothing was added.
var ErrKeyTaken = errors.New("something else came under this idempotency key")

// keyFor is how long Redis remembers what came under an idempotency key: long enough for a program that sends one body after
// the other under the same key, short enough to take little memory (about 120 bytes a key). The database's ledger remembers
// for as long as it keeps the logs.
const keyFor = 10 * time.Minute

// addKeyedScript adds an entry and notes what was sent under its batch id, both or none, unless something that differs is noted
// (storage.Fingerprint.Differs says what does). A script, because whether to add depends on what is there, and a note without
// its entry would refuse a client whose logs are nowhere.
//
// KEYS: the stream, the note. ARGV: the fingerprint, the note's life in seconds, the entry's fields and values.
const addKeyedScript = `local before = redis.call('GET', KEYS[2])
if before and before ~= ARGV[1] and before:byte(1) == ARGV[1]:byte(1) then return false end
local id = redis.call('XADD', KEYS[1], '*', unpack(ARGV, 3))
redis.call('SET', KEYS[2], ARGV[1], 'EX', ARGV[2], 'NX')
return id`

// addKeyed answers with redis.Nil when something else is noted.
func addKeyed(pipe redis.Pipeliner, stream, note string, e *Entry) *redis.Cmd {
	args := append([]any{e.Sent[:], int(keyFor.Seconds())}, e.values()...)
	return pipe.Eval(context.Background(), addKeyedScript, []string{stream, note}, args...)
}

// keyed tells whether the entry came under an idempotency key.
func (e *Entry) keyed() bool { return e.Sent != storage.Fingerprint{} }

// keyShard is the shard of all entries with a batch's id: a script's keys must be on one node.
func (c *Config) keyShard(id uuid.UUID) int { return int(id[0]) % c.Shards }
