package queryapi

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/cespare/xxhash/v2"
	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/instantdevlogs/devlogs/storage"
)

// cursor is where a page ended. It holds the query's time range too, so that "since=1h" means the same hour on every page,
// and a hash of the filters, so that a cursor can't be used with another query by mistake.
//
// Its text is base64url of: version, hash (4 bytes), start, end, and the position's time, batch and row, all big-endian.
type cursor struct {
	timeRange
	position storage.Position
	filters  uint32
}

const (
	cursorVersion = 1
	cursorSize    = 1 + 4 + 8 + 8 + 8 + 8 + 4
)

var (
	errBadCursor   = errors.New("not a cursor of this API: pass next_cursor as it was given")
	errOtherCursor = errors.New("the cursor belongs to a query with other filters: repeat the parameters of the first page")
)

func (c cursor) String() string {
	b := make([]byte, 0, cursorSize)
	b = append(b, cursorVersion)
	b = binary.BigEndian.AppendUint32(b, c.filters)
	b = binary.BigEndian.AppendUint64(b, uint64(c.Start))
	b = binary.BigEndian.AppendUint64(b, uint64(c.End))
	b = binary.BigEndian.AppendUint64(b, uint64(c.position.Time))
	b = binary.BigEndian.AppendUint64(b, c.position.Batch)
	b = binary.BigEndian.AppendUint32(b, c.position.Row)
	return base64.RawURLEncoding.EncodeToString(b)
}

func parseCursor(s string, filters uint32) (cursor, error) {
	b, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil || len(b) != cursorSize || b[0] != cursorVersion {
		return cursor{}, errBadCursor
	}
	u64 := func(at int) uint64 { return binary.BigEndian.Uint64(b[at:]) }
	c := cursor{
		filters:   binary.BigEndian.Uint32(b[1:]),
		timeRange: timeRange{Start: pcommon.Timestamp(u64(5)), End: pcommon.Timestamp(u64(13))},
		position: storage.Position{
			Time: pcommon.Timestamp(u64(21)),
			ID:   storage.ID{Batch: u64(29), Row: binary.BigEndian.Uint32(b[37:])},
		},
	}
	if c.filters != filters {
		return cursor{}, errOtherCursor
	}
	if c.position.Time < c.Start || c.position.Time >= c.End {
		return cursor{}, errBadCursor
	}
	return c, nil
}

// fingerprint hashes what a cursor must be used with again.
func (f *filters) fingerprint(direction storage.Direction) uint32 {
	text := fmt.Sprintf("%q %d %#v %s %d", f.services, f.level, f.text, f.traceID, direction)
	if f.logql != nil {
		text += f.logql.String()
	}
	return uint32(xxhash.Sum64String(text))
}
