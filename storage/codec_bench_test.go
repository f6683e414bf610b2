package storage_test

import (
	"testing"

	"github.com/instantdevlogs/devlogs/storage"
	"github.com/instantdevlogs/devlogs/storage/storagetest"
)

const batchRecords = 5000

func BenchmarkEncode(b *testing.B) {
	logs := storagetest.Corpus(0, batchRecords)
	rows := &storage.Rows{}
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		rows.Reset()
		storage.Encode(rows, logs, "", 1)
		n += rows.Len()
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "records/s")
}

func BenchmarkContentID(b *testing.B) {
	rows := &storage.Rows{}
	storage.Encode(rows, storagetest.Corpus(0, batchRecords), "", 1)
	for b.Loop() {
		rows.ContentID()
	}
	b.ReportMetric(float64(batchRecords*b.N)/b.Elapsed().Seconds(), "records/s")
}

func BenchmarkFingerprint(b *testing.B) {
	rows := &storage.Rows{}
	storage.Encode(rows, storagetest.Corpus(0, batchRecords), "", 1)
	for b.Loop() {
		rows.Fingerprint()
	}
	b.ReportMetric(float64(batchRecords*b.N)/b.Elapsed().Seconds(), "records/s")
}
