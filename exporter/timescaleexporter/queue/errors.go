package queue

import (
	"errors"
	"fmt"
	"net"
)

// nameRedis says of a failure to connect what it is that does not answer, and where. An address holds no password.
func nameRedis(err error) error {
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
