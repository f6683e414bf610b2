package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

const (
	cancelAgain  = 200 * time.Millisecond // from one request to stop to the next
	cancelWithin = 15 * time.Second       // as long as the driver waits for the server's end of a connection
)

// endStatement is for a connection that was given up because its context ended. The asker is free already, and the driver
// has told the server once to stop. A server that is told between two statements overlooks it and begins the next one, which
// nobody waits for any more but which takes its time and holds its locks: so it is told until it has closed the connection.
func endStatement(conn *pgconn.PgConn) {
	ctx, cancel := context.WithTimeout(context.Background(), cancelWithin)
	go func() {
		defer cancel()
		select {
		case <-conn.CleanupDone():
		case <-ctx.Done():
		}
	}()
	go func() {
		tick := time.NewTicker(cancelAgain)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				_ = conn.CancelRequest(ctx) // if it fails there is the next one
			case <-ctx.Done():
				return
			}
		}
	}()
}
