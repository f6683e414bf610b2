package storagetest

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
)

// Needle is in the body of one record of Corpus, NeedleTrace is its trace id.
const Needle = "needle-7f3a91"

var NeedleTrace = pcommon.TraceID{0xfe, 0xed, 15: 1}

var (
	messages = []string{
		"GET /api/v1/users/%d/orders returned in %d ms", "Failed to open connection to 10.0.%d.%d: connection refused",
		"Accepted publickey for deploy from 172.16.%d.%d port 51022 ssh2", "Received block blk_%d of size %d from /10.251.42.84",
		"session %d opened for user uid=%d", "slow query: SELECT * FROM orders WHERE id = %d took %d ms",
		"cache miss for key user:%d:profile:%d", "Retrying request %d, attempt %d", "pid %d exited with status %d",
		"PacketResponder %d for block blk_%d terminating", "worker %d picked up job %d from queue default",
		"TLS handshake error from 192.168.%d.%d:443: EOF", "checkpoint %d complete: wrote %d buffers",
	}
	severities = []plog.SeverityNumber{5, 9, 9, 9, 9, 13, 17}
	names      = map[plog.SeverityNumber]string{5: "DEBUG", 9: "INFO", 13: "WARN", 17: "ERROR"}
	statuses   = []int64{200, 200, 200, 200, 201, 204, 301, 404, 500}
)

// CorpusSize is how many records Corpus makes in all.
const CorpusSize = 1_000_000

// Corpus makes n records of the benchmark's corpus, from record `from` on: one day of logs of 16 services on 20 hosts, about
// 200 bytes each as OTLP, the same each time.
func Corpus(from, n int) plog.Logs {
	random := rand.New(rand.NewPCG(7, uint64(from)))
	day := uint64(24 * time.Hour)
	logs := plog.NewLogs()
	scopes := map[int]plog.ScopeLogs{}
	for i := from; i < from+n; i++ {
		host := random.IntN(16 * 20)
		scope, ok := scopes[host]
		if !ok {
			rl := logs.ResourceLogs().AppendEmpty()
			rl.Resource().Attributes().PutStr("service.name", fmt.Sprintf("service-%02d", host/20))
			rl.Resource().Attributes().PutStr("host.name", fmt.Sprintf("node-%02d", host%20))
			scope = rl.ScopeLogs().AppendEmpty()
			scopes[host] = scope
		}
		r := scope.LogRecords().AppendEmpty()
		r.SetTimestamp(arrival + pcommon.Timestamp(day/CorpusSize*uint64(i)+random.Uint64N(day/CorpusSize)))
		r.SetObservedTimestamp(r.Timestamp())
		r.SetSeverityNumber(severities[random.IntN(len(severities))])
		r.SetSeverityText(names[r.SeverityNumber()])
		r.Body().SetStr(fmt.Sprintf(messages[random.IntN(len(messages))], random.IntN(256), random.IntN(256)))
		var trace pcommon.TraceID
		var span pcommon.SpanID
		binary.BigEndian.PutUint64(trace[:8], random.Uint64())
		binary.BigEndian.PutUint64(trace[8:], random.Uint64())
		binary.BigEndian.PutUint64(span[:], random.Uint64())
		if i == CorpusSize/3 {
			r.Body().SetStr(r.Body().Str() + " " + Needle)
			trace = NeedleTrace
		}
		r.SetTraceID(trace)
		r.SetSpanID(span)
		m := r.Attributes()
		m.PutInt("http.status_code", statuses[random.IntN(len(statuses))])
		m.PutDouble("duration_ms", float64(random.IntN(200_000))/1000)
		m.PutStr("user_id", fmt.Sprintf("u%d", random.IntN(100_000)))
	}
	return logs
}
