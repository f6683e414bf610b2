package queue

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/instantdevlogs/devlogs/storage"
)

// keyFor is how long Redis remembers what came under an idempotency key: long enough for a program that sends one body after
// the other under the same key, short enough to take little memory (about 120 bytes a key). The database's ledger remembers
// for as long as it keeps the logs.
const keyFor = 10 * time.Minute

// Remember notes what was sent under the entry's batch id, and gives what was noted before: the zero Fingerprint when nothing
// was. It costs one round trip, and another when the id is known.
func Remember(ctx context.Context, config Config, client redis.UniversalClient, e *Entry) (before storage.Fingerprint, err error) {
	key := config.batchKey(e.Batch)
	isNew, err := client.SetNX(ctx, key, e.Sent[:], keyFor).Result()
	if err != nil {
		return before, fmt.Errorf("remember an idempotency key: %w", err)
	}
	if isNew {
		return before, nil
	}
	noted, err := client.Get(ctx, key).Bytes()
	if err != nil && !errors.Is(err, redis.Nil) {
		return before, fmt.Errorf("look up an idempotency key: %w", err)
	}
	copy(before[:], noted) // nothing when it has just expired
	return before, nil
}
