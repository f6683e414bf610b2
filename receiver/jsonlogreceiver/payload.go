package jsonlogreceiver

import (
	"encoding/hex"
	"net/http"
	"unsafe"

	"github.com/zeebo/xxh3"
)

// payload tells the bodies apart that come under one Idempotency-Key. It hashes what the client sent and not the records made
// of it: those depend on the version, the settings and, where a record has no time, on the clock, and a retry must look like
// the first try all the same. The arrangement of the records (spaces between them, one array or one a line) does not count,
// nor do compression and records that could not be parsed.
//
// The fingerprint of a batch stands for the body from its start to the batch, and for whether that was all: another body is
// found at its first batch that differs, also when it is only shorter or longer than the one before.
type payload struct{ xxh3.Hasher }

// newPayload starts with where the request goes, as its path and its query say what becomes of the records.
func newPayload(req *http.Request) *payload {
	p := &payload{}
	p.note(req.URL.Path + "?" + req.URL.RawQuery)
	return p
}

func (p *payload) note(part string) {
	_, _ = p.WriteString(part) // a hash takes everything
	_, _ = p.WriteString("\n")
}

func (p *payload) fingerprint(last bool) string {
	sum := p.Sum128().Bytes()
	if last {
		return hex.EncodeToString(sum[:]) + "-last"
	}
	return hex.EncodeToString(sum[:])
}

// note takes the next part of the body into account: before its records are added, and after the batch that was full without
// them.
func (s *session) note(part string) {
	if s.payload == nil {
		return
	}
	s.makeRoom()
	s.payload.note(part)
}

// view is a text for as long as its bytes stay as they are.
func view(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }
