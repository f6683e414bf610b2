package main

import (
	"encoding/hex"
	"fmt"
	"iter"
	"math/rand/v2"
	"strconv"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/plog/plogotlp"
)

const (
	services = 16
	hosts    = 20

	// rareToken stands in exactly one record of the corpus, rareTrace is the trace of another one.
	rareToken = "xk42qzrare"
	rareTrace = "0123456789abcdef0123456789abcdef"
)

// templates are the messages: %d is a small number, %x an id. Their lengths and their repetition are those of
// ordinary infrastructure logs, about 90 bytes and a few dozen shapes a service.
var templates = [...]struct {
	level string
	text  string
}{
	{"INFO", "Receiving block blk_%x src: /10.251.%d.%d:54106 dest: /10.251.%d.%d:50010"},
	{"INFO", "PacketResponder %d for block blk_%x terminating"},
	{"INFO", "Verification succeeded for blk_%x after %d ms"},
	{"WARN", "Got exception while serving blk_%x to /10.251.%d.%d: connection reset by peer"},
	{"INFO", "session opened for user app by (uid=%d), pid %d"},
	{"ERROR", "Failed password for invalid user admin from 10.7.%d.%d port %d ssh2"},
	{"INFO", "GET /api/v2/orders/%d HTTP/1.1 200 %d \"-\" \"curl/8.5.0\" rt=%d"},
	{"INFO", "Finished task %d.0 in stage %d.0 (TID %d). 2703 bytes result sent to driver"},
	{"INFO", "Reading broadcast variable %d took %d ms, %d bytes free in memory store"},
	{"DEBUG", "acquire lock=%x flg=0x%x tag=\"View Lock\" ws=null uid=%d pid=%d"},
	{"WARN", "Cannot open channel to %d at election address /10.10.34.%d:3888, notification time out: %d"},
	{"INFO", "workerEnv.init() ok /etc/httpd/conf/workers%d.properties, child %d in state %d"},
	{"ERROR", "mod_jk child workerEnv in error state %d after %d retries"},
	{"INFO", "Connection timed out while reading response header, upstream %d, request %x"},
	{"INFO", "Container container_%x transitioned from LOCALIZED to RUNNING on node %d"},
	{"DEBUG", "cache hit ratio %d.%d over the last %d requests, evicted %d entries"},
}

// entry is one record of the corpus in plain values.
type entry struct {
	time           int64
	service, host  int
	level, message string
	trace          [16]byte
	span           [8]byte
	status         int64
	duration       float64
	user           int
	severity       plog.SeverityNumber
}

var severities = map[string]plog.SeverityNumber{
	"DEBUG": plog.SeverityNumberDebug, "INFO": plog.SeverityNumberInfo, "WARN": plog.SeverityNumberWarn, "ERROR": plog.SeverityNumberError,
}

// corpus makes n entries that end now and reach back a day, until yield has enough. The same n gives the same entries but
// for the shift in time.
func corpus(n int, yield func(i int, e *entry) bool) {
	rng := rand.New(rand.NewPCG(7, 7))
	statuses := [...]int64{200, 200, 200, 200, 201, 204, 301, 404, 500}
	step := int64(24*time.Hour) / int64(n)
	now := time.Now().UnixNano() - int64(n)*step
	var e entry
	for i := range n {
		now += step
		t := templates[rng.IntN(len(templates))]
		e = entry{
			time: now, service: rng.IntN(services), host: rng.IntN(hosts), level: t.level, severity: severities[t.level],
			message: fill(rng, t.text), status: statuses[rng.IntN(len(statuses))],
			duration: float64(int(rng.ExpFloat64()*40_000)) / 1000, user: rng.IntN(100_000),
		}
		fillRandom(rng, e.trace[:])
		fillRandom(rng, e.span[:])
		switch i {
		case n / 3:
			e.message += " " + rareToken
		case n / 2:
			_, _ = hex.Decode(e.trace[:], []byte(rareTrace))
		}
		if !yield(i, &e) {
			return
		}
	}
}

func fill(rng *rand.Rand, text string) string {
	b := make([]byte, 0, 128)
	for i := 0; i < len(text); i++ {
		if text[i] != '%' || i+1 == len(text) {
			b = append(b, text[i])
			continue
		}
		i++
		switch text[i] {
		case 'd':
			b = strconv.AppendInt(b, rng.Int64N(256), 10)
		case 'x':
			b = strconv.AppendUint(b, rng.Uint64()>>8, 16)
		default:
			b = append(b, text[i])
		}
	}
	return string(b)
}

func fillRandom(rng *rand.Rand, b []byte) {
	for i := range b {
		b[i] = byte(rng.Uint32())
	}
}

// otlpRequests gives the corpus as OTLP protobuf requests of batch records each.
func otlpRequests(n, batch int) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		logs, streams, held := plog.NewLogs(), map[[2]int]plog.LogRecordSlice{}, 0
		corpus(n, func(i int, e *entry) bool {
			key := [2]int{e.service, e.host}
			records, ok := streams[key]
			if !ok {
				rl := logs.ResourceLogs().AppendEmpty()
				rl.Resource().Attributes().PutStr("service.name", serviceName(e.service))
				rl.Resource().Attributes().PutStr("host.name", hostName(e.host))
				records = rl.ScopeLogs().AppendEmpty().LogRecords()
				streams[key] = records
			}
			e.put(records.AppendEmpty())
			if held++; held < batch && i < n-1 {
				return true
			}
			message, err := plogotlp.NewExportRequestFromLogs(logs).MarshalProto()
			if err != nil {
				err = fmt.Errorf("encode corpus: %w", err)
			}
			logs, streams, held = plog.NewLogs(), map[[2]int]plog.LogRecordSlice{}, 0
			return yield(message, err)
		})
	}
}

func (e *entry) put(r plog.LogRecord) {
	r.SetTimestamp(pcommon.Timestamp(e.time))
	r.SetObservedTimestamp(pcommon.Timestamp(e.time))
	r.SetSeverityNumber(e.severity)
	r.SetSeverityText(e.level)
	r.Body().SetStr(e.message)
	r.SetTraceID(e.trace)
	r.SetSpanID(e.span)
	r.Attributes().PutInt("http.status_code", e.status)
	r.Attributes().PutDouble("duration_ms", e.duration)
	r.Attributes().PutStr("user_id", "u"+strconv.Itoa(e.user))
}

// jsonRequests gives the corpus as bodies of batch JSON lines each.
func jsonRequests(n, batch int) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		var body []byte
		held := 0
		corpus(n, func(i int, e *entry) bool {
			body = fmt.Appendf(body, `{"timestamp":%d,"level":%q,"service":%q,"host":%q,"message":%q,"trace_id":"%x","span_id":"%x","http.status_code":%d,"duration_ms":%g,"user_id":"u%d"}`+"\n",
				e.time, e.level, serviceName(e.service), hostName(e.host), e.message, e.trace, e.span, e.status, e.duration, e.user)
			if held++; held < batch && i < n-1 {
				return true
			}
			full := body
			body, held = make([]byte, 0, len(body)+len(body)/8), 0
			return yield(full, nil)
		})
	}
}

func serviceName(i int) string { return fmt.Sprintf("service-%02d", i) }
func hostName(i int) string    { return fmt.Sprintf("node-%02d", i) }
