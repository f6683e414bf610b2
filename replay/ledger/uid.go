package ledger

import (
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"time"
)

// UIDAttribute is the record attribute that carries the identity (OpenTelemetry semantic conventions, general logs). Two
// records with an equal uid are duplicates of each other, so a retry keeps it and another copy has another one.
const UIDAttribute = "log.record.uid"

// UIDLength is the length of a uid in bytes, all of them ASCII.
const UIDLength = runLength + copyLength + ordinalLength

const (
	runLength     = 15 // 75 bits: the first two are 0 as in every ULID, then 48 of time and 25 of chance
	copyLength    = 3  // 15 bits
	ordinalLength = 8  // 40 bits

	// MaxCopies and MaxRecords bound what a uid can number: copies of a recording, and records in one copy.
	MaxCopies  = 1 << (5 * copyLength)
	MaxRecords = 1 << (5 * ordinalLength)
)

// alphabet is Crockford's base 32, as ULID uses it: uids of a run sort by copy, then ordinal.
const alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

// Run names a run: the first 15 characters of all its uids.
type Run string

// NewRun makes a name that no other run has. Names sort by time of start, to the millisecond.
func NewRun(started time.Time) Run {
	var random [4]byte
	rand.Read(random[:]) // never fails
	var b [runLength]byte
	putBase32(b[5+5:], uint64(binary.LittleEndian.Uint32(random[:])))
	putBase32(b[:10], uint64(started.UnixMilli()))
	return Run(b[:])
}

// UID is the identity of one sent record.
type UID struct {
	Run     Run
	Copy    uint32 // below MaxCopies
	Ordinal uint64 // below MaxRecords
}

func (u UID) String() string { return string(u.Append(nil)) }

// Append appends the 26 characters. Nothing is allocated when dst has room.
func (u UID) Append(dst []byte) []byte {
	dst = append(dst, u.Run...)
	var b [copyLength + ordinalLength]byte
	PutUID(b[:], u.Copy, u.Ordinal)
	return append(dst, b[:]...)
}

// PutUID writes what follows the run in a uid, 11 bytes, over the beginning of dst: for patching a uid in place.
func PutUID(dst []byte, replica uint32, ordinal uint64) {
	putBase32(dst[:copyLength], uint64(replica))
	putBase32(dst[copyLength:copyLength+ordinalLength], ordinal)
}

func putBase32(dst []byte, v uint64) {
	for i := len(dst) - 1; i >= 0; i-- {
		dst[i] = alphabet[v&31]
		v >>= 5
	}
}

// ParseUID reads what UID.String writes. The run is not checked against any.
func ParseUID(s string) (UID, error) {
	if len(s) != UIDLength {
		return UID{}, fmt.Errorf("a uid has %d characters, %q has %d", UIDLength, s, len(s))
	}
	if _, ok := base32Value(s[:runLength-5]); !ok || s[0] > '7' {
		return UID{}, fmt.Errorf("%q is not a uid: it is not ULID-shaped", s)
	}
	_, okRun := base32Value(s[runLength-5 : runLength])
	replica, okCopy := base32Value(s[runLength : runLength+copyLength])
	ordinal, okOrdinal := base32Value(s[runLength+copyLength:])
	if !okRun || !okCopy || !okOrdinal {
		return UID{}, fmt.Errorf("%q is not a uid: it is not ULID-shaped", s)
	}
	return UID{Run: Run(s[:runLength]), Copy: uint32(replica), Ordinal: ordinal}, nil
}

var values = func() (t [256]int8) {
	for i := range t {
		t[i] = -1
	}
	for i := range len(alphabet) {
		t[alphabet[i]] = int8(i)
	}
	return t
}()

func base32Value(s string) (v uint64, ok bool) {
	for i := range len(s) {
		digit := values[s[i]]
		if digit < 0 {
			return 0, false
		}
		v = v<<5 | uint64(digit)
	}
	return v, true
}
