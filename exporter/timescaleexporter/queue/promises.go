package queue

import (
	"context"
	"fmt"
	"strings"
	"sync"

	"github.com/redis/go-redis/v9"
)

// Promises asks Redis whether it is set up to keep what it acknowledges. An *EvictsError says that it can't be trusted with a
// queue at all. The warnings, for people, say what else it may lose.
func Promises(ctx context.Context, config Config, client redis.UniversalClient) (warnings []string, err error) {
	if cluster, ok := client.(*redis.ClusterClient); ok {
		var mu sync.Mutex
		err := cluster.ForEachMaster(ctx, func(ctx context.Context, master *redis.Client) error {
			w, err := Promises(ctx, config, master)
			mu.Lock()
			defer mu.Unlock()
			warnings = append(warnings, w...)
			return err
		})
		return warnings, err
	}
	info, err := client.Info(ctx).Result()
	if err != nil && strings.HasPrefix(err.Error(), "NOPERM ") {
		return []string{"devlogs' user in Redis may not ask INFO, so nothing can tell whether Redis evicts the queue: ACL SETUSER … +info"}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("ask Redis for its settings: %w", nameRedis(err))
	}
	settings := map[string]string{}
	for line := range strings.Lines(info) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), ":"); ok {
			settings[name] = value
		}
	}
	if settings["aof_enabled"] == "0" {
		warnings = append(warnings, "Redis writes nothing to its disk at once (appendonly is off): what waits in the queue is lost when it dies")
	}
	policy := settings["maxmemory_policy"]
	switch {
	case !strings.HasPrefix(policy, "allkeys-"): // the others spare keys that have no time to live
	case settings["maxmemory"] == "0":
		warnings = append(warnings, (&EvictsError{policy}).Error()+"; it has no maxmemory now")
	default:
		return warnings, &EvictsError{policy}
	}
	return warnings, nil
}

// EvictsError says that Redis throws the queue away when its memory is full.
type EvictsError struct{ Policy string }

func (e *EvictsError) Error() string {
	return "Redis throws the queue away when its memory is full: its maxmemory-policy is " + e.Policy + ", and must be noeviction " +
		"(CONFIG SET maxmemory-policy noeviction, and the same in its configuration)"
}
