package conformance

import (
	"fmt"
	"math/rand/v2"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
)

// Base is the time of the first record; the last is less than an hour later.
var Base = time.Date(2024, 5, 6, 7, 0, 0, 0, time.UTC)

// Logs makes the data set.
func Logs() plog.Logs {
	g := &generator{logs: plog.NewLogs(), random: rand.New(rand.NewPCG(1, 2))}
	for _, pod := range []string{"api-0", "api-1"} {
		g.stream(map[string]string{"service.name": "api", "env": "prod", "k8s.pod.name": pod, "region": "eu"}, 300, 12*time.Second, g.api)
	}
	for _, env := range []string{"prod", "dev"} {
		g.stream(map[string]string{"service.name": "web", "env": env, "region": "us"}, 240, 15*time.Second, g.web)
	}
	g.stream(map[string]string{"service.name": "db", "env": "prod"}, 300, 12*time.Second, g.db)
	g.stream(map[string]string{"service.name": "packer", "env": "dev"}, 60, time.Minute, g.packer)
	g.stream(map[string]string{"service.name": "meter", "env": "prod"}, 120, 30*time.Second, g.meter)
	return g.logs
}

type generator struct {
	logs   plog.Logs
	random *rand.Rand
}

// stream adds n records of one resource, one every step and each at another fraction of its second.
func (g *generator) stream(resource map[string]string, n int, step time.Duration, fill func(i int, r plog.LogRecord)) {
	rl := g.logs.ResourceLogs().AppendEmpty()
	for _, key := range []string{"service.name", "env", "k8s.pod.name", "region"} {
		if value, ok := resource[key]; ok {
			rl.Resource().Attributes().PutStr(key, value)
		}
	}
	offset := time.Duration(g.logs.ResourceLogs().Len()) * 7 * time.Millisecond
	sl := rl.ScopeLogs().AppendEmpty()
	sl.Scope().SetName("conformance")
	for i := range n {
		r := sl.LogRecords().AppendEmpty()
		r.SetTimestamp(pcommon.NewTimestampFromTime(Base.Add(time.Duration(i)*step + offset + time.Duration(i%10))))
		fill(i, r)
	}
}

func pick[T any](g *generator, from ...T) T { return from[g.random.IntN(len(from))] }

// severity sets a level, mostly by number, sometimes only by text, sometimes not at all.
func (g *generator) severity(r plog.LogRecord, level string) {
	numbers := map[string]plog.SeverityNumber{"debug": 5, "info": 9, "warn": 13, "error": 17}
	switch g.random.IntN(10) {
	case 0:
		r.SetSeverityText(level)
	default:
		r.SetSeverityNumber(numbers[level])
		r.SetSeverityText(level)
	}
}

// api writes JSON lines; one in 25 is cut off, one in 40 is no JSON.
func (g *generator) api(i int, r plog.LogRecord) {
	level := pick(g, "info", "info", "info", "debug", "warn", "error")
	status := map[string]int{"info": 200, "debug": 204, "warn": 404, "error": 500}[level]
	took := float64(g.random.IntN(4000)) / 8
	method, path := pick(g, "GET", "GET", "POST", "DELETE"), pick(g, "/api/items", "/api/items/42", "/api/users", "/health")
	user := g.random.IntN(5)
	line := fmt.Sprintf(`{"level":%q,"msg":"%s %s served","request":{"method":%q,"path":%q,"bytes":%d,"header":{"User-Agent":%q}},"status":%d,`+
		`"took":"%gms","took_ms":%g,"user":{"id":%d,"name":"%s"},"tags":["a","b%d"],"ok":%t,"note":null,"client ip":"10.0.%d.%d","env":"inner"}`,
		level, method, path, method, path, 100+g.random.IntN(9900), pick(g, "curl/8", "Mozilla/5.0"), status, took, took,
		user, []string{"ann", "bob", "çelik", "dörte", "李"}[user], i%3, status < 400, g.random.IntN(4), g.random.IntN(256))
	switch {
	case i%25 == 24:
		line = line[:len(line)/2]
	case i%40 == 39:
		line = "panic: runtime error\n\tgoroutine 1 [running]"
	}
	r.Body().SetStr(line)
	g.severity(r, level)
	a := r.Attributes()
	a.PutInt("http.status_code", int64(status))
	a.PutDouble("latency", took)
	a.PutStr("request.id", fmt.Sprintf("req-%04d", i))
	a.PutBool("cached", i%4 == 0)
	a.PutEmptyMap("peer").PutStr("address", fmt.Sprintf("192.168.%d.%d", i%3, g.random.IntN(256)))
	if i%2 == 0 {
		r.SetTraceID([16]byte{0: 0xab, 14: byte(i >> 8), 15: byte(i)})
		r.SetSpanID([8]byte{0: 0xcd, 7: byte(i)})
		r.SetFlags(1)
	}
}

// web writes logfmt lines; some have keys alone, or pairs that are none.
func (g *generator) web(i int, r plog.LogRecord) {
	level := pick(g, "info", "info", "warn", "error")
	status := map[string]int{"info": 200, "warn": 499, "error": 503}[level]
	took := time.Duration(g.random.IntN(3_000_000)) * time.Microsecond
	line := fmt.Sprintf(`ts=%s level=%s msg="page \"%s\" done" method=%s status=%d duration=%s size=%s ip=10.1.%d.%d`,
		Base.Add(time.Duration(i)*15*time.Second).Format(time.RFC3339), level, pick(g, "home", "cart", "søk", "検索"), pick(g, "GET", "POST"), status, took,
		pick(g, "512B", "2KB", "1.5KiB", "3MB"), g.random.IntN(3), g.random.IntN(256))
	switch i % 20 {
	case 7:
		line += " retry"
	case 11:
		line += " empty="
	case 13:
		line += ` x=y=z good=1`
	case 17:
		line += ` open="never closed`
	case 19:
		line = "=nokey " + line
	}
	r.Body().SetStr(line)
	g.severity(r, level)
	r.Attributes().PutStr("page", pick(g, "home", "cart", "search"))
	r.Attributes().PutInt("bytes_sent", int64(g.random.IntN(5000)))
	r.Attributes().PutStr("wait", pick(g, "5ms", "1.5s", "250us", "soon"))
	if level == "error" {
		r.SetEventName("page.failed")
	}
}

// db writes plain text, some of it coloured.
func (g *generator) db(i int, r plog.LogRecord) {
	level := pick(g, "info", "info", "warn", "error", "")
	address := pick(g, "10.0.0.5:5432", "10.0.1.77", "2001:db8::17", "[2001:db8::1]:5432", "172.16.0.1")
	switch i % 4 {
	case 0:
		r.Body().SetStr(fmt.Sprintf("connection from %s accepted in %dms (pool %d/%d)", address, g.random.IntN(50), i%8, 8))
	case 1:
		r.Body().SetStr(fmt.Sprintf("\x1b[3%dmERROR\x1b[0m query failed after %d retries: \x1b[1;4mtimeout\x1b[m user=%s", 1+i%3, g.random.IntN(4), pick(g, "ann", "bob")))
	case 2:
		r.Body().SetStr(fmt.Sprintf("slow query <%d> took %.2fs — Größe: %d КБ 表=%s", i, g.random.Float64()*10, g.random.IntN(900), pick(g, "users", "items")))
	default:
		r.Body().SetStr(fmt.Sprintf("checkpoint complete: wrote %d buffers (%d.%d%%); cost=$%d^2 [a-z]+\\d", g.random.IntN(1000), i%100, i%10, i))
	}
	if level != "" {
		g.severity(r, level)
	}
	r.Attributes().PutStr("table", pick(g, "users", "items", ""))
	r.Attributes().PutStr("http_status_code", pick(g, "200", "n/a"))
}

// packer writes lines as Promtail's pack stage does.
func (g *generator) packer(i int, r plog.LogRecord) {
	if i%10 == 9 {
		r.Body().SetStr(`{"pod":"unpacked","level":"info"}`)
		return
	}
	r.Body().SetStr(fmt.Sprintf(`{"container":"c%d","env":"packed","n":%d,"_entry":"{\"level\":\"info\",\"value\":%d}"}`, i%3, i, i*i))
}

// meter writes counters that start again at 0 every 40 records, and gauges.
func (g *generator) meter(i int, r plog.LogRecord) {
	r.Body().SetStr(fmt.Sprintf("counter=%d gauge=%g unit=%d", i%40*5, float64(g.random.IntN(1000)-500)/4, i%2))
	r.SetSeverityNumber(9)
	r.Attributes().PutInt("reading", int64(g.random.IntN(100)))
	r.Attributes().PutDouble("ratio", float64(g.random.IntN(1000))/1000)
}
