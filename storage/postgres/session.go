package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"
)

// takeAndFree makes the server's process behind a connection take 4 MB in one piece and free them.
//
// The columnstore compresses 1,000 rows at a time and frees what it needed for them. With glibc's defaults the process gives
// the memory back to the kernel each time, because it begins with a threshold of 128 KiB, and the next rows fault it in again,
// page by page: that was 40 % of the server's time for a COPY. The threshold grows by itself to twice the largest piece that
// was ever freed (mallopt(3), "M_MMAP_THRESHOLD", its note on dynamic adjustment), so one large piece at the beginning is
// enough. A server with another allocator ignores it, and it costs some milliseconds for a connection.
const takeAndFree = "SELECT octet_length(repeat(repeat('x', 1000), 4000))"

func keepMemory(ctx context.Context, conn *pgx.Conn) error {
	_, err := conn.Exec(ctx, takeAndFree)
	return err
}
