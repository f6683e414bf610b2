package play_test

import (
	"context"
	"encoding/binary"
	"net"
	"net/http"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"google.golang.org/grpc"
	"google.golang.org/grpc/mem"

	"github.com/instantdevlogs/devlogs/replay/play"
	"github.com/instantdevlogs/devlogs/replay/recording"
)

// BenchmarkSender measures what the sender can do, patching, ledger and all, against a server in the same process that
// reads requests and throws them away. 309 bytes a record and 500 records a request, as the design's figures have it.
func BenchmarkSender(b *testing.B) {
	rec := benchRecording(b, 200, 500)
	for _, protocol := range []play.Protocol{play.HTTP, play.GRPC} {
		for _, pace := range []string{"ledger", "bare"} {
			b.Run(string(protocol)+"/"+pace, func(b *testing.B) {
				address := discardHTTP
				if protocol == play.GRPC {
					address = discardGRPC
				}
				target, err := play.ParseTarget(address(b), string(protocol))
				require.NoError(b, err)
				var records, seconds float64
				for b.Loop() {
					c := play.Default()
					c.Target, c.Settings.Paths, c.Loops = target, []string{rec}, 40
					if pace == "ledger" {
						c.Ledger = filepath.Join(b.TempDir(), "run")
					}
					report, err := play.Run(b.Context(), b.Context(), c)
					require.NoError(b, err)
					require.Zero(b, report.Failed.Requests)
					records += float64(report.Acked.Records)
					seconds += report.Seconds
				}
				b.ReportMetric(records/seconds, "records/s")
				b.ReportMetric(0, "ns/op")
			})
		}
	}
}

func benchRecording(b *testing.B, requests, records int) string {
	dir := filepath.Join(b.TempDir(), "rec")
	w, err := recording.Create(dir, recording.WriterOptions{Proto: true})
	require.NoError(b, err)
	for i := range requests {
		logs := plog.NewLogs()
		rl := logs.ResourceLogs().AppendEmpty()
		rl.Resource().Attributes().PutStr("service.name", "checkout")
		sl := rl.ScopeLogs().AppendEmpty()
		for j := range records {
			r := sl.LogRecords().AppendEmpty()
			r.SetTimestamp(pcommon.Timestamp(start + int64(i*records+j)))
			r.SetObservedTimestamp(r.Timestamp())
			r.SetSeverityNumber(9)
			r.SetSeverityText("INFO")
			var id [16]byte
			binary.BigEndian.PutUint64(id[:], uint64(i*records+j)+1)
			r.SetTraceID(id)
			r.SetSpanID([8]byte(id[:8]))
			r.Body().SetStr("request finished: GET /api/v1/orders/4711 in 23 ms, upstream payments, cache miss, 3 rows")
			r.Attributes().PutInt("http.status_code", 200)
			r.Attributes().PutDouble("duration_ms", 23.4)
			r.Attributes().PutStr("user_id", "u-123456")
			r.Attributes().PutStr("http.route", "/api/v1/orders/{id}")
		}
		body, err := (&plog.ProtoMarshaler{}).MarshalLogs(logs)
		require.NoError(b, err)
		require.NoError(b, w.Write(&recording.Message{Body: body, Records: records, Arrival: start + int64(i)}))
	}
	require.NoError(b, w.Close())
	return dir
}

func discardHTTP(b *testing.B) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(b, err)
	buf := make([]byte, 256<<10)
	server := &http.Server{Handler: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		for {
			if _, err := r.Body.Read(buf); err != nil { // what is read is of no interest, so handlers may share the buffer
				return
			}
		}
	})}
	go server.Serve(l)
	b.Cleanup(func() { server.Close() })
	return "http://" + l.Addr().String()
}

func discardGRPC(b *testing.B) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(b, err)
	server := grpc.NewServer(grpc.ForceServerCodecV2(discardCodec{}), grpc.InitialWindowSize(1<<20), grpc.InitialConnWindowSize(4<<20),
		grpc.MaxRecvMsgSize(64<<20))
	server.RegisterService(&grpc.ServiceDesc{
		ServiceName: "opentelemetry.proto.collector.logs.v1.LogsService", HandlerType: (*any)(nil),
		Methods: []grpc.MethodDesc{{MethodName: "Export", Handler: func(_ any, _ context.Context, decode func(any) error,
			_ grpc.UnaryServerInterceptor) (any, error) {
			return nil, decode(nil)
		}}},
	}, struct{}{})
	go server.Serve(l)
	b.Cleanup(server.Stop)
	return "grpc://" + l.Addr().String()
}

type discardCodec struct{}

func (discardCodec) Name() string                         { return "proto" }
func (discardCodec) Marshal(any) (mem.BufferSlice, error) { return nil, nil }
func (discardCodec) Unmarshal(mem.BufferSlice, any) error { return nil }
