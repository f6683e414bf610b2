package queue

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"

	"github.com/redis/go-redis/v9"
)

// exec sends a pipeline whose commands are looked at one by one. Its error says that none was sent: when Redis refuses the
// connection itself (a wrong password, too many clients) the library sets no command's error, which would look like success.
func exec(ctx context.Context, pipe redis.Pipeliner) error {
	commands, err := pipe.Exec(ctx)
	if err == nil {
		return nil
	}
	for _, c := range commands {
		if c.Err() != nil {
			return nil //nolint:nilerr // the commands have their own
		}
	}
	return err
}

// hints are what to do about refusals of Redis that do not say it.
var hints = map[string]string{
	"NOPERM ":    "give devlogs' user in Redis the rights that docs/operations.md lists",
	"NOAUTH ":    "redis.url needs a user and a password",
	"WRONGPASS ": "the user or the password in redis.url is wrong",
	"READONLY ":  "redis.url names a replica, or one that was a master: it must name the master",
	"MISCONF ":   "Redis can't write to its disk",
	"WRONGTYPE ": "another program uses a key of this name in this Redis: set redis.prefix to one that nobody else has",
}

// nameRedis says of a failure to connect what it is that does not answer, and where. An address holds no password.
func nameRedis(err error) error {
	for answer, hint := range hints {
		if err != nil && strings.HasPrefix(err.Error(), answer) {
			return fmt.Errorf("%s: %w", hint, err)
		}
	}
	op, ok := errors.AsType[*net.OpError](err)
	switch {
	case !ok || op.Op != "dial":
		return err
	case op.Addr == nil: // its name is not known
		return fmt.Errorf("Redis can't be found: %w", err) //nolint:staticcheck // a name
	default:
		return fmt.Errorf("Redis at %s does not answer: %w", op.Addr, err) //nolint:staticcheck // a name
	}
}
