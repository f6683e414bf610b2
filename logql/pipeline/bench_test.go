package pipeline

import (
	"testing"

	"github.com/instantdevlogs/devlogs/logql"
)

const (
	benchJSON = `{"time":"2024-05-06T07:08:09.123Z","level":"info","msg":"request served","request":{"method":"GET","path":"/api/v1/items/42","status":200,` +
		`"duration_ms":12.5},"user":"u-1234","trace_id":"0af7651916cd43dd8448eb211c80319c"}`
	benchLogfmt = `time=2024-05-06T07:08:09.123Z level=info msg="request served" method=GET path=/api/v1/items/42 status=200 duration=12.5ms user=u-1234`
)

func BenchmarkLine(b *testing.B) {
	for _, c := range []struct {
		name, stages, line string
		need               []string
	}{
		{"contains", `|= "items"`, benchJSON, nil},
		{"regexp", `|~ "items/\\d+"`, benchJSON, nil},
		{"regexp/no match", `|~ "orders/\\d+"`, benchJSON, nil},
		{"fold", `|~ "(?i)REQUEST served"`, benchJSON, nil},
		{"pattern filter", `|> "<_>request served<_>"`, benchJSON, nil},
		{"json", `| json`, benchJSON, nil},
		{"json/one needed", `| json`, benchJSON, []string{"request_status"}},
		{"json/path", `| json status="request.status"`, benchJSON, nil},
		{"json and filter", `| json | request_status >= 200`, benchJSON, nil},
		{"logfmt", `| logfmt`, benchLogfmt, nil},
		{"logfmt/one needed", `| logfmt`, benchLogfmt, []string{"status"}},
		{"pattern", `| pattern "<_> level=<level> msg=<_> method=<method> path=<path> <_>"`, benchLogfmt, nil},
		{"line_format/simple", "| logfmt | line_format `{{.method}} {{.path}}`", benchLogfmt, nil},
		{"line_format/functions", "| logfmt | line_format `{{.method | lower}} {{.path}}`", benchLogfmt, nil},
	} {
		b.Run(c.name, func(b *testing.B) {
			query, err := logql.ParseLog(`{app="api"} ` + c.stages)
			if err != nil {
				b.Fatal(err)
			}
			p, err := Compile(query.Stages, Options{Need: c.need})
			if err != nil {
				b.Fatal(err)
			}
			b.SetBytes(int64(len(c.line)))
			b.ReportAllocs()
			var e Entry
			for b.Loop() {
				e.Line = c.line
				e.Labels.Reset(testStream, testMetadata)
				p.Process(&e)
			}
		})
	}
}
