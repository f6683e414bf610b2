package patch

import (
	"encoding/binary"
	"math/bits"
	"slices"

	"github.com/instantdevlogs/devlogs/replay/ledger"
	"github.com/instantdevlogs/devlogs/replay/wire"
)

// Layout says what a prepared request has room for.
type Layout struct {
	// Run, unless empty, is the run whose log.record.uid every record gets, in place of one that it has.
	Run ledger.Run
	// Replicas, when more than one, appends "-r000" to the resource attributes that tell instances apart, and adds
	// service.instance.id where there is none.
	Replicas int
}

// replicaDigits is what follows "-r": enough for MaxReplicas.
const replicaDigits = 3

// MaxReplicas is how many replicas a Layout can have.
const MaxReplicas = 1000

const (
	replicaSuffix = "-r000"
	instanceID    = "service.instance.id"
)

// perInstance are the resource attributes whose values differ between instances of a service.
var perInstance = map[string]bool{
	instanceID: true, "host.name": true, "host.id": true, "container.id": true, "container.name": true,
	"k8s.pod.name": true, "k8s.pod.uid": true, "k8s.node.name": true, "k8s.node.uid": true,
}

// Stamp appends to dst the request in body, changed as the layout asks. What it does not know it copies.
func Stamp(dst, body []byte, layout Layout) ([]byte, error) {
	s := stamper{out: slices.Grow(dst, len(body)+len(body)/4+256), b: body, layout: layout}
	if layout.Run != "" {
		s.uid = uidField(layout.Run)
	}
	err := s.request()
	return s.out, err
}

type stamper struct {
	out    []byte
	b      []byte
	layout Layout
	uid    []byte // a whole attribute field of a LogRecord
}

// open begins a length-delimited field; guess is how long it will be, about. close ends it.
func (s *stamper) open(num int32, guess int) (start, room int) {
	s.out = binary.AppendUvarint(s.out, uint64(num)<<3|uint64(wire.Len))
	start, room = len(s.out), varintLen(guess)
	s.out = append(s.out, make([]byte, room)...)
	return start, room
}

func (s *stamper) close(start, room int) {
	size := len(s.out) - start - room
	if need := varintLen(size); need != room {
		s.out = append(s.out, 0, 0, 0, 0, 0, 0, 0, 0)[:len(s.out)+max(0, need-room)]
		copy(s.out[start+need:], s.out[start+room:start+room+size])
		s.out = s.out[:start+need+size]
	}
	binary.PutUvarint(s.out[start:], uint64(size))
}

func varintLen(n int) int { return (bits.Len64(uint64(n)|1) + 6) / 7 }

func (s *stamper) keep(f *wire.Field) { s.out = append(s.out, s.b[f.Tag:f.End]...) }

func (s *stamper) request() error {
	var f wire.Field
	c := wire.NewCursor(s.b, 0, len(s.b))
	for c.Next(&f) {
		if f.Num != wire.RequestResourceLogs || f.Type != wire.Len {
			s.keep(&f)
			continue
		}
		start, room := s.open(f.Num, f.End-f.Start)
		if err := s.resourceLogs(f.Start, f.End); err != nil {
			return err
		}
		s.close(start, room)
	}
	return c.Err()
}

func (s *stamper) resourceLogs(from, to int) error {
	var f wire.Field
	c := wire.NewCursor(s.b, from, to)
	hasResource := false
	for c.Next(&f) {
		switch {
		case f.Num == wire.ResourceLogsScope && f.Type == wire.Len:
			start, room := s.open(f.Num, f.End-f.Start)
			if err := s.scopeLogs(f.Start, f.End); err != nil {
				return err
			}
			s.close(start, room)
		case f.Num == wire.ResourceLogsResource && f.Type == wire.Len && s.layout.Replicas > 1:
			hasResource = true
			start, room := s.open(f.Num, f.End-f.Start)
			if err := s.resource(f.Start, f.End); err != nil {
				return err
			}
			s.close(start, room)
		default:
			s.keep(&f)
		}
	}
	if s.layout.Replicas > 1 && !hasResource {
		start, room := s.open(wire.ResourceLogsResource, 0)
		s.attribute(wire.ResourceAttributes, instanceID, "replica"+replicaSuffix)
		s.close(start, room)
	}
	return c.Err()
}

func (s *stamper) resource(from, to int) error {
	var f wire.Field
	c := wire.NewCursor(s.b, from, to)
	hasInstance := false
	for c.Next(&f) {
		if f.Num == wire.ResourceAttributes && f.Type == wire.Len {
			key, value, ok := stringAttribute(s.b, f.Start, f.End)
			if hasInstance = hasInstance || string(key) == instanceID; ok && perInstance[string(key)] {
				s.attribute(f.Num, string(key), string(value)+replicaSuffix)
				continue
			}
		}
		s.keep(&f)
	}
	if !hasInstance {
		s.attribute(wire.ResourceAttributes, instanceID, "replica"+replicaSuffix)
	}
	return c.Err()
}

func (s *stamper) scopeLogs(from, to int) error {
	var f wire.Field
	c := wire.NewCursor(s.b, from, to)
	for c.Next(&f) {
		if f.Num != wire.ScopeLogsRecords || f.Type != wire.Len || s.uid == nil {
			s.keep(&f)
			continue
		}
		start, room := s.open(f.Num, f.End-f.Start+len(s.uid))
		if err := s.record(f.Start, f.End); err != nil {
			return err
		}
		s.close(start, room)
	}
	return c.Err()
}

// record copies runs of fields at once, without an older uid, and appends the new one.
func (s *stamper) record(from, to int) error {
	var f wire.Field
	c := wire.NewCursor(s.b, from, to)
	kept := from
	for c.Next(&f) {
		if f.Num == wire.RecordAttributes && f.Type == wire.Len && string(attributeKey(s.b, f.Start, f.End)) == ledger.UIDAttribute {
			s.out = append(s.out, s.b[kept:f.Tag]...)
			kept = f.End
		}
	}
	s.out = append(s.out, s.b[kept:to]...)
	s.out = append(s.out, s.uid...)
	return c.Err()
}

func (s *stamper) attribute(num int32, key, value string) {
	s.out = appendAttribute(s.out, num, key, value)
}

func uidField(run ledger.Run) []byte {
	return appendAttribute(nil, wire.RecordAttributes, ledger.UIDAttribute, ledger.UID{Run: run}.String())
}

// appendAttribute appends a KeyValue with a string value as field num.
func appendAttribute(dst []byte, num int32, key, value string) []byte {
	any := 1 + varintLen(len(value)) + len(value)
	pair := 1 + varintLen(len(key)) + len(key) + 1 + varintLen(any) + any
	dst = append(dst, byte(num<<3)|byte(wire.Len))
	dst = binary.AppendUvarint(dst, uint64(pair))
	dst = append(dst, wire.KeyValueKey<<3|byte(wire.Len))
	dst = append(binary.AppendUvarint(dst, uint64(len(key))), key...)
	dst = append(dst, wire.KeyValueValue<<3|byte(wire.Len))
	dst = binary.AppendUvarint(dst, uint64(any))
	dst = append(dst, wire.AnyValueString<<3|byte(wire.Len))
	return append(binary.AppendUvarint(dst, uint64(len(value))), value...)
}
