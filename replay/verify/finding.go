package verify

import (
	"fmt"
	"strings"
)

// Kind names what can be wrong with a record.
type Kind string

const (
	Lost           Kind = "lost"            // acknowledged, and not there
	Duplicated     Kind = "duplicated"      // more copies than the sender's retries explain
	RetryDuplicate Kind = "retry duplicate" // more than one copy, and a retry explains it: at-least-once allows that
	Phantom        Kind = "phantom"         // there, though it was refused or never sent
	Foreign        Kind = "foreign"         // claims to be of this run, which never made it; or of no run where only this run should be
	Mutated        Kind = "mutated"         // there, but not as it was sent
	Reordered      Kind = "reordered"       // after a record of its stream that was sent later
)

// Finding is one record with which something is wrong.
type Finding struct {
	Kind    Kind   `json:"kind"`
	UID     string `json:"uid,omitempty"` // of the slot; in identity modes without uids it says copy and ordinal all the same
	Copy    uint32 `json:"copy"`
	Ordinal uint64 `json:"ordinal"`
	Request uint64 `json:"request"`
	Found   uint32 `json:"found"` // copies
	Lo      uint32 `json:"lo"`    // copies allowed
	Hi      uint32 `json:"hi"`
	// Record says which record it is, for people: service, severity and the beginning of the body.
	Record string `json:"record,omitempty"`
	Detail string `json:"detail,omitempty"`

	slot uint64
}

func (f *Finding) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "record %d", f.Ordinal)
	if f.Copy > 0 {
		fmt.Fprintf(&b, " of copy %d", f.Copy)
	}
	fmt.Fprintf(&b, ", request %d", f.Request)
	switch f.Kind {
	case Lost:
		b.WriteString(": not found")
	case Duplicated, RetryDuplicate, Phantom:
		fmt.Fprintf(&b, ": found %d times, allowed %s", f.Found, interval(f.Lo, f.Hi))
	}
	if f.Detail != "" {
		b.WriteString(": " + f.Detail)
	}
	if f.Record != "" {
		b.WriteString(": " + f.Record)
	}
	return b.String()
}

func interval(lo, hi uint32) string {
	if lo == hi {
		return fmt.Sprint(lo)
	}
	return fmt.Sprintf("%d to %d", lo, hi)
}
