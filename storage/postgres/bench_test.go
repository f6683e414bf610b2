package postgres

import (
	"context"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/instantdevlogs/devlogs/internal/testservices"
	"github.com/instantdevlogs/devlogs/storage"
)

const (
	benchStart = pcommon.Timestamp(1_760_000_000_000_000_000)
	benchRare  = "xk42qzrare"
	benchTrace = "0123456789abcdef0123456789abcdef"
)

// benchMessages are templates of ordinary infrastructure logs: %d is a small number, %x an id.
var benchMessages = [...]struct {
	severity plog.SeverityNumber
	text     string
}{
	{plog.SeverityNumberInfo, "Receiving block blk_%x src: /10.251.%d.%d:54106 dest: /10.251.%d.%d:50010"},
	{plog.SeverityNumberInfo, "PacketResponder %d for block blk_%x terminating"},
	{plog.SeverityNumberWarn, "Got exception while serving blk_%x to /10.251.%d.%d: connection reset by peer"},
	{plog.SeverityNumberError, "Failed password for invalid user admin from 10.7.%d.%d port %d ssh2"},
	{plog.SeverityNumberInfo, "GET /api/v2/orders/%d HTTP/1.1 200 %d \"-\" \"curl/8.5.0\" rt=%d"},
	{plog.SeverityNumberInfo, "Finished task %d.0 in stage %d.0 (TID %d). 2703 bytes result sent to driver"},
	{plog.SeverityNumberDebug, "acquire lock=%x flg=0x%x tag=\"View Lock\" ws=null uid=%d pid=%d"},
	{plog.SeverityNumberWarn, "Cannot open channel to %d at election address /10.10.34.%d:3888, notification time out: %d"},
	{plog.SeverityNumberInfo, "workerEnv.init() ok /etc/httpd/conf/workers%d.properties, child %d in state %d"},
	{plog.SeverityNumberInfo, "Connection timed out while reading response header, upstream %d, request %x"},
	{plog.SeverityNumberInfo, "Container container_%x transitioned from LOCALIZED to RUNNING on node %d"},
}

// benchBatches makes n records over a day, of 16 services on 20 hosts, in batches; the same n gives the same records.
func benchBatches(n, size int) []storage.Batch {
	rng := rand.New(rand.NewPCG(7, 7))
	statuses := [...]int64{200, 200, 200, 200, 201, 204, 301, 404, 500}
	step := pcommon.Timestamp(24 * time.Hour / time.Duration(n))
	var batches []storage.Batch
	for at := 0; at < n; at += size {
		logs := plog.NewLogs()
		streams := map[[2]int]plog.LogRecordSlice{}
		for i := at; i < min(at+size, n); i++ {
			key := [2]int{rng.IntN(16), rng.IntN(20)}
			records, ok := streams[key]
			if !ok {
				rl := logs.ResourceLogs().AppendEmpty()
				rl.Resource().Attributes().PutStr("service.name", fmt.Sprintf("service-%02d", key[0]))
				rl.Resource().Attributes().PutStr("host.name", fmt.Sprintf("node-%02d", key[1]))
				records = rl.ScopeLogs().AppendEmpty().LogRecords()
				streams[key] = records
			}
			m := benchMessages[rng.IntN(len(benchMessages))]
			r := records.AppendEmpty()
			r.SetTimestamp(benchStart + pcommon.Timestamp(i)*step)
			r.SetObservedTimestamp(r.Timestamp())
			r.SetSeverityNumber(m.severity)
			r.SetSeverityText(m.severity.String())
			text := fillIn(rng, m.text)
			if i == n/3 {
				text += " " + benchRare
			}
			r.Body().SetStr(text)
			var trace pcommon.TraceID
			var span pcommon.SpanID
			for j := range trace {
				trace[j] = byte(rng.Uint32())
			}
			for j := range span {
				span[j] = byte(rng.Uint32())
			}
			if i == n/2 {
				_, _ = hex.Decode(trace[:], []byte(benchTrace))
			}
			r.SetTraceID(trace)
			r.SetSpanID(span)
			r.Attributes().PutInt("http.status_code", statuses[rng.IntN(len(statuses))])
			r.Attributes().PutDouble("duration_ms", float64(int(rng.ExpFloat64()*40_000))/1000)
			r.Attributes().PutStr("user_id", "u"+strconv.Itoa(rng.IntN(100_000)))
		}
		rows := &storage.Rows{}
		storage.Encode(rows, logs, "", benchStart)
		batches = append(batches, storage.Batch{ID: uuid.New(), Rows: rows})
	}
	return batches
}

func fillIn(rng *rand.Rand, text string) string {
	var b []byte
	for i := 0; i < len(text); i++ {
		switch {
		case text[i] == '%' && text[i+1] == 'd':
			b = strconv.AppendInt(b, rng.Int64N(256), 10)
			i++
		case text[i] == '%':
			b = strconv.AppendUint(b, rng.Uint64()>>8, 16)
			i++
		default:
			b = append(b, text[i])
		}
	}
	return string(b)
}

// benchStore is a store on a server that waits for the disk, as one in production does.
func benchStore(b *testing.B, layout Layout) *Store {
	settings := []string{"max_wal_size = '4GB'", "shared_buffers = '1GB'"}
	if layout == LayoutRowstore {
		settings = append(settings, "timescaledb.license = 'apache'")
	}
	db := testservices.PrivatePostgres(b, settings...).Database(b)
	if layout != LayoutPlain && !db.Timescale {
		b.Skip("the server has no TimescaleDB")
	}
	return openDatabase(b, db.DSN, layout)
}

// BenchmarkWriteAll stores batches of 5,000 records, ten to a transaction, over two connections.
func BenchmarkWriteAll(b *testing.B) {
	for _, layout := range layouts[1:] {
		b.Run(string(layout), func(b *testing.B) {
			s := benchStore(b, layout)
			batches := benchBatches(1_000_000, 5000)
			const per = 10
			rows := 0
			b.ResetTimer()
			for range b.N {
				var next atomic.Int64
				var work sync.WaitGroup
				for range 2 {
					work.Go(func() {
						for {
							i := int(next.Add(1)-1) * per
							if i >= len(batches) {
								return
							}
							group := batches[i:min(i+per, len(batches))]
							for j := range group {
								group[j].ID = uuid.New()
							}
							if _, err := s.WriteAll(context.Background(), group); err != nil {
								b.Error(err)
								return
							}
						}
					})
				}
				work.Wait()
				rows += 1_000_000
			}
			b.ReportMetric(float64(rows)/b.Elapsed().Seconds(), "rows/s")
			var size int64
			require.NoError(b, s.writers.QueryRow(b.Context(), "SELECT pg_database_size(current_database())").Scan(&size))
			b.ReportMetric(float64(size)/float64(rows), "B/row")
		})
	}
}
