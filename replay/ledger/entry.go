package ledger

import (
	"encoding/binary"
	"hash/crc32"
	"time"
)

// Every entry has 64 bytes, little-endian, and begins with the CRC-32C of the other 60, so that a reader knows a torn or
// overwritten one from a whole one:
//
//	begin  crc4 kind1 -3 attempt8 id8 first8 records4 copy4 source8 intended8 shift8
//	end    crc4 kind1 class1 status2 attempt8 id8 sent8 done8 rejected4 records4 intended8 -8
//	close  crc4 kind1 -3 attempts8 -48
const entrySize = 64

const (
	kindBegin byte = 1
	kindEnd   byte = 2
	kindClose byte = 3
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

type entry [entrySize]byte

func (e *entry) seal(kind byte) {
	e[4] = kind
	binary.LittleEndian.PutUint32(e[:], crc32.Checksum(e[4:], castagnoli))
}

func (e *entry) whole() bool {
	return binary.LittleEndian.Uint32(e[:]) == crc32.Checksum(e[4:], castagnoli)
}

func (e *entry) kind() byte { return e[4] }

func beginEntry(number uint64, r Request) (e entry) {
	le := binary.LittleEndian
	le.PutUint64(e[8:], number)
	le.PutUint64(e[16:], r.ID)
	le.PutUint64(e[24:], r.First)
	le.PutUint32(e[32:], r.Records)
	le.PutUint32(e[36:], r.Copy)
	le.PutUint64(e[40:], r.Source)
	le.PutUint64(e[48:], uint64(r.Intended))
	le.PutUint64(e[56:], uint64(r.Shift))
	e.seal(kindBegin)
	return e
}

func (e *entry) begin() (number uint64, r Request) {
	le := binary.LittleEndian
	return le.Uint64(e[8:]), Request{
		ID: le.Uint64(e[16:]), First: le.Uint64(e[24:]), Records: le.Uint32(e[32:]), Copy: le.Uint32(e[36:]),
		Source: le.Uint64(e[40:]), Intended: time.Duration(le.Uint64(e[48:])), Shift: int64(le.Uint64(e[56:])),
	}
}

func endEntry(a Attempt, o Outcome) (e entry) {
	le := binary.LittleEndian
	e[5] = byte(o.Class)
	le.PutUint16(e[6:], o.Status)
	le.PutUint64(e[8:], a.number)
	le.PutUint64(e[16:], a.request)
	le.PutUint64(e[24:], uint64(o.Sent))
	le.PutUint64(e[32:], uint64(o.Done))
	le.PutUint32(e[40:], o.Rejected)
	le.PutUint32(e[44:], a.records)
	le.PutUint64(e[48:], uint64(a.intended))
	e.seal(kindEnd)
	return e
}

func (e *entry) end() (a Attempt, o Outcome) {
	le := binary.LittleEndian
	a = Attempt{
		number: le.Uint64(e[8:]), request: le.Uint64(e[16:]), records: le.Uint32(e[44:]),
		intended: time.Duration(le.Uint64(e[48:])),
	}
	return a, Outcome{
		Class: Class(e[5]), Status: le.Uint16(e[6:]), Sent: time.Duration(le.Uint64(e[24:])),
		Done: time.Duration(le.Uint64(e[32:])), Rejected: le.Uint32(e[40:]),
	}
}

func closeEntry(attempts uint64) (e entry) {
	binary.LittleEndian.PutUint64(e[8:], attempts)
	e.seal(kindClose)
	return e
}
