package jsonmap

import (
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/instantdevlogs/devlogs/receiver/jsonlogreceiver/internal/jsontape"
	"github.com/stretchr/testify/require"
)

const benchLine = `{"timestamp": 1760000000123456789, "level": "INFO", "service": "checkout", "host": "node-07", ` +
	`"message": "Received block blk_3587508140051953248 of size 67108864 from /10.251.42.84", ` +
	`"trace_id": "0af7651916cd43dd8448eb211c80319c", "span_id": "b7ad6b7169203331", "http.status_code": 200, ` +
	`"duration_ms": 41.377, "user_id": "u48213"}` + "\n"

// BenchmarkDecodeAndMap is the cost of one 330-byte line from bytes to plog: 5,000 lines a batch, one operation is a line.
func BenchmarkDecodeAndMap(b *testing.B) {
	body := strings.Repeat(benchLine, 5000)
	limits := jsontape.Limits{Depth: 64, Fields: 1000, Bytes: 1 << 20}
	rules := Compile(Fields{})
	var r jsontape.Reader
	var m Mapper
	var batch Batch
	m.Use(rules)
	b.SetBytes(int64(len(benchLine)))
	b.ReportAllocs()
	done := 0
	for b.Loop() {
		if done%5000 == 0 {
			batch.Reset()
			r.Reset(strings.NewReader(body), int64(len(body)), limits)
		}
		done++
		item, err := r.Next()
		if err != nil || item.Fault != nil {
			b.Fatal(err, item.Fault)
		}
		if err := m.Prepare(&r.Tape, 0); err != nil {
			b.Fatal(err)
		}
		batch.Add(&m, 1)
	}
}

// BenchmarkDecode is the share of BenchmarkDecodeAndMap that finding and parsing the value takes.
func BenchmarkDecode(b *testing.B) {
	body := strings.Repeat(benchLine, 5000)
	limits := jsontape.Limits{Depth: 64, Fields: 1000, Bytes: 1 << 20}
	var r jsontape.Reader
	r.Reset(strings.NewReader(body), int64(len(body)), limits)
	b.SetBytes(int64(len(benchLine)))
	b.ReportAllocs()
	for b.Loop() {
		_, err := r.Next()
		if errors.Is(err, io.EOF) {
			r.Reset(strings.NewReader(body), int64(len(body)), limits)
			continue
		}
		require.NoError(b, err)
	}
}
