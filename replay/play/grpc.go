package play

import (
	"context"
	"crypto/tls"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/metadata"
	rpcstats "google.golang.org/grpc/stats"
	"google.golang.org/grpc/status"

	"github.com/instantdevlogs/devlogs/replay/ledger"
	"github.com/instantdevlogs/devlogs/replay/recording"
)

const exportMethod = "/opentelemetry.proto.collector.logs.v1.LogsService/Export"

// grpcSender sends OTLP over gRPC. Requests are bytes already, so nothing is marshalled.
type grpcSender struct {
	conns   []*grpc.ClientConn
	next    atomic.Uint32
	headers metadata.MD
	options []grpc.CallOption
}

func newGRPCSender(c *Config, tlsConfig *tls.Config) (*grpcSender, error) {
	s := &grpcSender{headers: metadata.MD{}, options: []grpc.CallOption{grpc.ForceCodecV2(rawCodec{})}}
	if c.Compression != "none" {
		s.options = append(s.options, grpc.UseCompressor(c.Compression))
	}
	for name, value := range c.Headers {
		s.headers.Set(name, string(value))
	}
	creds := insecure.NewCredentials()
	if tlsConfig != nil {
		creds = credentials.NewTLS(tlsConfig)
	}
	for range c.Connections {
		conn, err := grpc.NewClient("passthrough:///"+c.Target.URL.Host, grpc.WithTransportCredentials(creds), grpc.WithDisableRetry(),
			grpc.WithStatsHandler(watch{}), grpc.WithInitialWindowSize(1<<20), grpc.WithInitialConnWindowSize(4<<20),
			grpc.WithWriteBufferSize(128<<10))
		if err != nil {
			s.close()
			return nil, fmt.Errorf("to: %w", err)
		}
		s.conns = append(s.conns, conn)
	}
	return s, nil
}

func (s *grpcSender) close() {
	for _, c := range s.conns {
		c.Close()
	}
}

func (s *grpcSender) send(ctx context.Context, body []byte, entry *recording.Entry, _ *departure) result {
	md := s.headers
	if entry != nil && (len(entry.Headers) > 0 || entry.Tenant != "") {
		md = metadata.MD{}
		for name, value := range entry.Headers {
			if !strings.HasPrefix(name, "grpc-") {
				md.Set(name, value)
			}
		}
		if entry.Tenant != "" {
			md.Set("x-scope-orgid", entry.Tenant)
		}
		for name, values := range s.headers {
			md[name] = values
		}
	}
	seen := &rpc{}
	ctx = metadata.NewOutgoingContext(context.WithValue(ctx, rpcKey{}, seen), md)
	conn := s.conns[int(s.next.Add(1))%len(s.conns)]
	var answer []byte
	err := conn.Invoke(ctx, exportMethod, body, &answer, s.options...)
	if err == nil {
		return result{class: ledger.Ack, rejected: rejected(answer, typeProto)}
	}
	return judgeStatus(ctx, status.Convert(err), seen)
}

// judgeStatus follows OTLP's table of retryable codes. A status that the server did not send is the client's own view of
// a connection that broke.
func judgeStatus(ctx context.Context, st *status.Status, seen *rpc) result {
	r := result{status: uint16(st.Code()), reason: "gRPC " + st.Code().String() + ": " + excerpt([]byte(st.Message())), kept: true}
	for _, detail := range st.Details() {
		if info, ok := detail.(*errdetails.RetryInfo); ok {
			r.retryAfter = max(info.GetRetryDelay().AsDuration(), time.Millisecond)
		}
	}
	if ctx.Err() == context.Canceled {
		r.reason = "run stopped"
	}
	switch {
	case !seen.sent.Load() && strings.Contains(st.Message(), "failed to verify certificate"):
		_, why, _ := strings.Cut(st.Message(), "failed to verify certificate: ")
		r.class, r.reason, r.untrusted = ledger.NotSent, excerpt([]byte(strings.TrimSuffix(why, `"`))), true
	case !seen.sent.Load():
		r.class, r.retry = ledger.NotSent, ctx.Err() != context.Canceled
	case !seen.answered.Load():
		r.class, r.retry = ledger.Ambiguous, ctx.Err() != context.Canceled
	default:
		r.class, r.retry = judgeCode(st.Code(), r.retryAfter > 0)
	}
	return r
}

func judgeCode(code codes.Code, retryInfo bool) (ledger.Class, bool) {
	switch code {
	case codes.Canceled, codes.DeadlineExceeded, codes.Aborted, codes.OutOfRange, codes.Unavailable, codes.DataLoss:
		return ledger.Retryable, true
	case codes.ResourceExhausted:
		if retryInfo {
			return ledger.Retryable, true
		}
		return ledger.Refused, false
	case codes.Unknown, codes.Internal:
		return ledger.Ambiguous, false // it may have stored before it failed
	}
	return ledger.Refused, false
}

// rpc is how far one call came.
type rpc struct{ sent, answered atomic.Bool }

type rpcKey struct{}

// watch notes in the call's rpc when its headers leave and when the server's status comes.
type watch struct{}

func (watch) TagRPC(ctx context.Context, _ *rpcstats.RPCTagInfo) context.Context   { return ctx }
func (watch) TagConn(ctx context.Context, _ *rpcstats.ConnTagInfo) context.Context { return ctx }
func (watch) HandleConn(context.Context, rpcstats.ConnStats)                       {}
func (watch) HandleRPC(ctx context.Context, s rpcstats.RPCStats) {
	seen, ok := ctx.Value(rpcKey{}).(*rpc)
	if !ok {
		return
	}
	switch s.(type) {
	case *rpcstats.OutHeader:
		seen.sent.Store(true)
	case *rpcstats.InTrailer:
		seen.answered.Store(true)
	}
}

// rawCodec passes bytes through.
type rawCodec struct{}

func (rawCodec) Name() string { return "proto" }

func (rawCodec) Marshal(v any) (mem.BufferSlice, error) {
	return mem.BufferSlice{mem.SliceBuffer(v.([]byte))}, nil
}

func (rawCodec) Unmarshal(data mem.BufferSlice, v any) error {
	*v.(*[]byte) = data.Materialize()
	return nil
}
