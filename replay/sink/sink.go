package sink

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
)

// Config of a sink.
type Config struct {
	GRPC   string  // address to listen on; "" serves no gRPC
	HTTP   string  // likewise; requests go to /v1/logs
	Script *Script // nil accepts everything
	Keep   Keeper  // nil keeps counts only
}

// Stats counts what a sink saw. Records are those that were kept (or would have been, where only counts are).
type Stats struct {
	Requests uint64 `json:"requests"`
	Records  uint64 `json:"records"`
	Bytes    uint64 `json:"bytes"` // of messages, uncompressed
	Refused  uint64 `json:"refused"`
	Cut      uint64 `json:"cut"` // connections that the script cut
	Rejected uint64 `json:"rejected"`
}

// Sink is a running server.
type Sink struct {
	config   Config
	grpc     *grpc.Server
	grpcAddr net.Addr
	http     *http.Server
	httpAddr net.Addr
	serving  sync.WaitGroup
	done     chan struct{}

	requests, records, bytes, refused, cut, rejected atomic.Uint64
}

// Start listens and serves until Close.
func Start(config Config) (*Sink, error) {
	if config.GRPC == "" && config.HTTP == "" {
		return nil, errors.New("start the sink: give it an address for gRPC, for HTTP, or for both")
	}
	s := &Sink{config: config, done: make(chan struct{})}
	if config.GRPC != "" {
		listener, err := net.Listen("tcp", config.GRPC)
		if err != nil {
			return nil, fmt.Errorf("start the sink: %w", err)
		}
		s.grpc, s.grpcAddr = s.newGRPC(), listener.Addr()
		s.serving.Go(func() { _ = s.grpc.Serve(cuttable{listener}) }) // ends by Close
	}
	if config.HTTP != "" {
		listener, err := net.Listen("tcp", config.HTTP)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("start the sink: %w", err), s.Close())
		}
		s.http, s.httpAddr = s.newHTTP(), listener.Addr()
		s.serving.Go(func() { _ = s.http.Serve(listener) })
	}
	return s, nil
}

// GRPCAddr is where gRPC listens, "" when it doesn't.
func (s *Sink) GRPCAddr() string { return address(s.grpcAddr) }

// HTTPAddr is where HTTP listens, "" when it doesn't.
func (s *Sink) HTTPAddr() string { return address(s.httpAddr) }

func address(a net.Addr) string {
	if a == nil {
		return ""
	}
	return a.String()
}

// Stats may be read at any time.
func (s *Sink) Stats() Stats {
	return Stats{
		Requests: s.requests.Load(), Records: s.records.Load(), Bytes: s.bytes.Load(),
		Refused: s.refused.Load(), Cut: s.cut.Load(), Rejected: s.rejected.Load(),
	}
}

// Close stops at once; requests that are being answered are cut. It does not close the Keeper.
func (s *Sink) Close() error {
	close(s.done)
	var err error
	if s.grpc != nil {
		s.grpc.Stop()
	}
	if s.http != nil {
		err = s.http.Close()
	}
	s.serving.Wait()
	return err
}

// answer is what a handler has to tell its client.
type answer struct {
	status   int // HTTP status of a refusal; 0: accepted
	message  string
	rejected int
	cut      bool
}

// receive keeps a message as its verdict says.
func (s *Sink) receive(ctx context.Context, message []byte) answer {
	records, err := countRecords(message)
	if err != nil {
		s.refused.Add(1)
		return answer{status: http.StatusBadRequest, message: err.Error()}
	}
	s.requests.Add(1)
	v := s.config.Script.verdict()
	switch {
	case v.Cut:
		s.cut.Add(1)
		return answer{cut: true}
	case v.Status != 0:
		s.refused.Add(1)
		return answer{status: v.Status, message: fmt.Sprintf("the sink's script refuses this request with %d", v.Status)}
	}
	a := answer{cut: v.Reset}
	if v.Reject > 0 {
		if message, a.rejected, err = withoutLast(message, v.Reject); err != nil {
			s.refused.Add(1)
			return answer{status: http.StatusBadRequest, message: err.Error()}
		}
		a.message = "the sink's script rejects the last records of this request"
		s.rejected.Add(uint64(a.rejected))
	}
	if err := s.keep(message, records-a.rejected, v); err != nil {
		return answer{status: http.StatusInsufficientStorage, message: "the sink could not keep the request: " + err.Error()}
	}
	if v.Slow > 0 {
		select {
		case <-time.After(v.Slow):
		case <-ctx.Done():
		case <-s.done:
		}
	}
	if a.cut {
		s.cut.Add(1)
	}
	return a
}

func (s *Sink) keep(message []byte, records int, v Verdict) error {
	times := 1
	switch {
	case v.Lose:
		times = 0
	case v.Double:
		times = 2
	}
	for range times {
		if s.config.Keep != nil {
			if err := s.config.Keep.Keep(message); err != nil {
				return err
			}
		}
		s.records.Add(uint64(records))
		s.bytes.Add(uint64(len(message)))
	}
	return nil
}
