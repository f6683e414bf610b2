package record

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"sync"
	"sync/atomic"
	"time"
)

// Tap is a running proxy.
type Tap struct {
	config    Config
	server    *http.Server
	grpc      *httputil.ReverseProxy
	http      *httputil.ReverseProxy
	transport []*http.Transport
	listeners []net.Listener
	serving   sync.WaitGroup
	disk      *disk
	headers   func(http.Header) map[string]string
	budget    atomic.Int64
	passed    atomic.Int64 // requests that are none of the recording's business
}

// Start listens, and begins the recording. Close must be called.
func Start(config Config) (*Tap, error) {
	if err := config.validate(); err != nil {
		return nil, err
	}
	t := &Tap{config: config, headers: headerFilter(config.DropHeaders)}
	t.budget.Store(config.Budget)
	serverTLS, err := t.serverTLS()
	if err != nil {
		return nil, err
	}
	if err := t.makeProxies(); err != nil {
		return nil, err
	}
	for _, address := range config.Listen {
		l, err := net.Listen("tcp", address)
		if err != nil {
			t.closeListeners()
			return nil, fmt.Errorf("listen: %w", err)
		}
		t.listeners = append(t.listeners, newStampingListener(l))
	}
	if t.disk, err = openDisk(&t.config, &t.budget); err != nil {
		t.closeListeners()
		return nil, err
	}
	t.serve(serverTLS)
	return t, nil
}

func (t *Tap) serve(serverTLS *tls.Config) {
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	protocols.SetHTTP2(true)
	protocols.SetUnencryptedHTTP2(true)
	t.server = &http.Server{
		Handler: t, Protocols: protocols, TLSConfig: serverTLS, ReadHeaderTimeout: 30 * time.Second,
		HTTP2:       &http.HTTP2Config{MaxReceiveBufferPerStream: 4 << 20, MaxReceiveBufferPerConnection: 8 << 20, MaxReadFrameSize: 1 << 20},
		ErrorLog:    log.New(discard{}, "", 0), // of broken client connections, which the clients know of
		ConnContext: withConn,
	}
	for _, l := range t.listeners {
		t.serving.Go(func() {
			if serverTLS != nil {
				_ = t.server.ServeTLS(l, "", "") // ends by Close
				return
			}
			_ = t.server.Serve(l)
		})
	}
}

func (t *Tap) makeProxies() error {
	clientTLS, err := t.config.UpstreamTLS.LoadTLSConfig(context.Background())
	if err != nil {
		return fmt.Errorf("upstream tls: %w", err)
	}
	transport := func(grpc bool) *http.Transport {
		tr := &http.Transport{
			TLSClientConfig: clientTLS, DisableCompression: true, MaxIdleConnsPerHost: 64, IdleConnTimeout: time.Minute,
			DialContext: (&net.Dialer{Timeout: 10 * time.Second}).DialContext, Protocols: new(http.Protocols),
			HTTP2: &http.HTTP2Config{MaxReadFrameSize: 1 << 20},
		}
		tr.Protocols.SetHTTP1(!grpc)
		tr.Protocols.SetHTTP2(grpc)
		tr.Protocols.SetUnencryptedHTTP2(grpc)
		t.transport = append(t.transport, tr)
		return tr
	}
	t.grpc = &httputil.ReverseProxy{
		Transport: transport(true), ErrorLog: log.New(discard{}, "", 0), ErrorHandler: grpcUnavailable,
		Rewrite: func(p *httputil.ProxyRequest) { p.SetURL(t.config.Upstream.GRPC) },
	}
	t.http = &httputil.ReverseProxy{
		Transport: transport(false), ErrorLog: log.New(discard{}, "", 0), ErrorHandler: badGateway,
		Rewrite: func(p *httputil.ProxyRequest) { p.SetURL(t.config.Upstream.HTTP) },
	}
	return nil
}

func (t *Tap) serverTLS() (*tls.Config, error) {
	if t.config.TLS.CertFile == "" {
		return nil, nil
	}
	c, err := t.config.TLS.LoadTLSConfig(context.Background())
	if err != nil {
		return nil, fmt.Errorf("tls: %w", err)
	}
	return c, nil
}

// Addrs are the addresses it listens on.
func (t *Tap) Addrs() (all []string) {
	for _, l := range t.listeners {
		all = append(all, l.Addr().String())
	}
	return all
}

// ServeHTTP passes one request on and takes a copy.
func (t *Tap) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	proxy := t.http
	if isGRPC(r) {
		proxy = t.grpc
	}
	k := classify(r, t.config.Raw)
	if k == passing {
		t.passed.Add(1)
		proxy.ServeHTTP(w, r)
		return
	}
	x := t.disk.begin(k, lastRead(r))
	t.describe(x, r)
	x.request.budget, x.request.limit = &t.budget, t.config.MaxBody
	x.answer.budget, x.answer.limit = &t.budget, maxAnswer
	body := &tapped{ReadCloser: r.Body, to: &x.request}
	r.Body = body
	length := r.ContentLength
	answer := &answerWriter{ResponseWriter: w, to: &x.answer}
	if r.ProtoMajor == 1 && r.Header.Get("Expect") == "" {
		answer.rest = body
	}
	defer func() { // also when the proxy panics, as it does to cut a connection that its upstream cut
		x.entry.AckNS = t.disk.clock.now()
		if x.entry.Status = answer.status; answer.status == 0 {
			x.entry.Status = -1
		}
		if k == otlpGRPC {
			x.entry.Status = grpcStatus(w.Header())
		}
		x.request.seal()
		x.answer.seal()
		x.request.whole = x.request.has(length)
		t.disk.finish(x)
	}()
	proxy.ServeHTTP(answer, r)
	if answer.untaken {
		_, _ = io.Copy(io.Discard, body) // what cannot be read is not recorded
	}
}

// maxAnswer is how much of an answer is looked at; a partial success is small.
const maxAnswer = 64 << 10

func (t *Tap) describe(x *exchange, r *http.Request) {
	e := &x.entry
	e.Proto = x.kind.proto()
	e.ContentType = r.Header.Get("Content-Type")
	e.Enc = r.Header.Get("Content-Encoding")
	if x.kind == otlpGRPC {
		e.Enc = r.Header.Get("Grpc-Encoding")
	}
	e.Tenant = r.Header.Get("X-Scope-Orgid")
	e.Method, e.Path = r.Method, r.URL.RequestURI()
	e.Headers = t.headers(r.Header)
}

// SetScrub puts what scrubbing did into the recording's manifest; call it before Close.
func (t *Tap) SetScrub(report func() json.RawMessage) { t.disk.scrub = report }

// Close stops listening, waits for what is on its way until ctx ends, and finishes the recording.
func (t *Tap) Close(ctx context.Context) error {
	err := t.server.Shutdown(ctx)
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		err = t.server.Close()
	}
	t.serving.Wait()
	for _, tr := range t.transport {
		tr.CloseIdleConnections()
	}
	return errors.Join(err, t.disk.close())
}

func (t *Tap) closeListeners() {
	for _, l := range t.listeners {
		l.Close()
	}
}

// unreachable notes that nobody took the request, so that it is read for the recording all the same.
func unreachable(w http.ResponseWriter, err error) {
	if op := (*net.OpError)(nil); errors.As(err, &op) && op.Op == "dial" {
		if a, ok := w.(*answerWriter); ok {
			a.untaken = true
		}
	}
}

func badGateway(w http.ResponseWriter, _ *http.Request, err error) {
	unreachable(w, err)
	http.Error(w, "devlogs replay record: the upstream cannot be reached: "+err.Error(), http.StatusBadGateway)
}

// grpcUnavailable answers in gRPC's own form.
func grpcUnavailable(w http.ResponseWriter, _ *http.Request, err error) {
	unreachable(w, err)
	w.Header().Set("Content-Type", "application/grpc")
	w.Header().Set("Grpc-Status", "14")
	w.Header().Set("Grpc-Message", "devlogs replay record: the upstream cannot be reached: "+err.Error())
	w.WriteHeader(http.StatusOK)
}

type discard struct{}

func (discard) Write(b []byte) (int, error) { return len(b), nil }
