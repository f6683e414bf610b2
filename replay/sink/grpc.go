package sink

import (
	"context"
	"fmt"
	"math"
	"net"
	"sync"
	"time"

	"go.opentelemetry.io/collector/pdata/plog/plogotlp"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	_ "google.golang.org/grpc/encoding/gzip" // clients may compress so
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"
)

// service is OTLP's LogsService over raw messages: decoding every record would make the sink the slowest part of a test.
var service = grpc.ServiceDesc{
	ServiceName: "opentelemetry.proto.collector.logs.v1.LogsService",
	HandlerType: (*any)(nil),
	Methods: []grpc.MethodDesc{{
		MethodName: "Export",
		Handler: func(server any, ctx context.Context, decode func(any) error, _ grpc.UnaryServerInterceptor) (any, error) {
			var message mem.BufferSlice
			if err := decode(&message); err != nil {
				return nil, err
			}
			defer message.Free()
			return server.(*Sink).serveGRPC(ctx, message)
		},
	}},
}

func (s *Sink) newGRPC() *grpc.Server {
	server := grpc.NewServer(grpc.ForceServerCodecV2(rawCodec{}), grpc.MaxRecvMsgSize(maxMessage),
		grpc.MaxConcurrentStreams(math.MaxUint32))
	server.RegisterService(&service, s)
	return server
}

func (s *Sink) serveGRPC(ctx context.Context, message mem.BufferSlice) ([]byte, error) {
	buffer := buffers.Get().(*[]byte)
	defer buffers.Put(buffer)
	body := (*buffer)[:0]
	for _, part := range message {
		body = append(body, part.ReadOnlyData()...)
	}
	*buffer = body[:0]

	a := s.receive(ctx, body)
	if a.cut {
		if p, ok := peer.FromContext(ctx); ok {
			cut(p.LocalAddr, p.Addr)
		}
		return nil, status.Error(codes.Unavailable, "cut by the sink's script")
	}
	if a.status != 0 {
		return nil, refusal(a)
	}
	response := plogotlp.NewExportResponse()
	if a.rejected > 0 {
		response.PartialSuccess().SetRejectedLogRecords(int64(a.rejected))
		response.PartialSuccess().SetErrorMessage(a.message)
	}
	return response.MarshalProto()
}

func refusal(a answer) error {
	st := status.New(codeOf(a.status), a.message)
	if c := st.Code(); c == codes.ResourceExhausted || c == codes.Unavailable {
		if detailed, err := st.WithDetails(&errdetails.RetryInfo{RetryDelay: durationpb.New(time.Second)}); err == nil {
			st = detailed
		}
	}
	return st.Err()
}

// rawCodec passes messages as they are on the wire.
type rawCodec struct{}

func (rawCodec) Name() string { return "proto" }

func (rawCodec) Marshal(v any) (mem.BufferSlice, error) {
	b, ok := v.([]byte)
	if !ok {
		return nil, fmt.Errorf("the sink answers in bytes, not in %T", v)
	}
	return mem.BufferSlice{mem.SliceBuffer(b)}, nil
}

func (rawCodec) Unmarshal(data mem.BufferSlice, v any) error {
	dst, ok := v.(*mem.BufferSlice)
	if !ok {
		return fmt.Errorf("the sink reads bytes, not %T", v)
	}
	data.Ref()
	*dst = data
	return nil
}

// gRPC has no way to cut the connection that a call came by, so connections are kept by their two addresses.
var connections sync.Map // "local remote" → net.Conn

type cuttable struct{ net.Listener }

func (l cuttable) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	key := c.LocalAddr().String() + " " + c.RemoteAddr().String()
	connections.Store(key, c)
	return &forgetful{Conn: c, key: key}, nil
}

type forgetful struct {
	net.Conn
	key string
}

func (c *forgetful) Close() error {
	connections.Delete(c.key)
	return c.Conn.Close()
}

func cut(local, remote net.Addr) {
	if c, ok := connections.Load(local.String() + " " + remote.String()); ok {
		_ = c.(net.Conn).Close() // its reader finds out and calls forgetful.Close
	}
}
