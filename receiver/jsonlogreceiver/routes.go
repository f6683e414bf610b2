package jsonlogreceiver

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
)

// protocol is one way to send logs. Its methods are called in this order, each at most once for a request; refuse stands in
// for read and answer when the request is turned down before its body is looked at.
type protocol interface {
	name() string
	mediaTypes() []string
	read(s *session)
	answer(w http.ResponseWriter, s *session)
	refuse(w http.ResponseWriter, r *refusal)
}

// prefetchBytes have to be there before a request takes a place: connections that dribble hold none.
const prefetchBytes = 64 << 10

func (r *jsonReceiver) routes() http.Handler {
	mux := http.NewServeMux()
	for _, path := range []string{"/{$}", "/v1/json"} {
		mux.HandleFunc("POST "+path, r.serve(func(*http.Request) protocol { return plainJSON{} }))
	}
	mux.HandleFunc("POST /loki/api/v1/push", r.serve(func(*http.Request) protocol { return lokiPush{} }))
	mux.HandleFunc("POST /insert/jsonline", r.serve(func(*http.Request) protocol { return jsonLine{} }))
	for _, path := range []string{"", "/event", "/event/1.0"} {
		mux.HandleFunc("POST /services/collector"+path, r.serve(func(*http.Request) protocol { return splunkHEC{} }))
	}
	for _, path := range []string{"/raw", "/raw/1.0"} {
		mux.HandleFunc("POST /services/collector"+path, r.serve(func(*http.Request) protocol { return splunkHEC{raw: true} }))
	}
	mux.HandleFunc("GET /services/collector/health", splunkHealth)
	mux.HandleFunc("GET /services/collector/health/1.0", splunkHealth)
	mux.HandleFunc("POST /services/collector/ack", splunkAck)
	for _, path := range []string{"POST /_bulk", "PUT /_bulk", "POST /{index}/_bulk"} {
		mux.HandleFunc(path, r.serve(func(req *http.Request) protocol { return &bulk{index: req.PathValue("index")} }))
	}
	elasticProbes(mux)
	mux.HandleFunc("/", notFound)
	return refuseCrossSite(mux)
}

// refuseCrossSite keeps pages of other sites from sending logs through the browser of somebody who may: without a preflight,
// which only CORS asks for, a page may post text anywhere. Whom the cors setting allows is told by the header that its
// handler, which stands before this one, has put into the answer.
func refuseCrossSite(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		reads := req.Method == http.MethodGet || req.Method == http.MethodHead
		if !reads && req.Header.Get("Sec-Fetch-Site") == "cross-site" && w.Header().Get("Access-Control-Allow-Origin") == "" {
			plainJSON{}.refuse(w, crossSite(req.Header.Get("Origin")))
			return
		}
		next.ServeHTTP(w, req)
	})
}

// serve makes a handler of a protocol.
func (r *jsonReceiver) serve(protocolOf func(*http.Request) protocol) http.HandlerFunc {
	return func(w http.ResponseWriter, req *http.Request) {
		p := protocolOf(req)
		s, refused := r.begin(p, req)
		if refused != nil {
			r.countRefused(req.Context(), p, refused)
			p.refuse(w, refused)
			return
		}
		defer r.end(s)
		p.read(s)
		r.count(s)
		p.answer(w, s)
	}
}

// begin checks what can be checked before the body and waits for a place.
func (r *jsonReceiver) begin(p protocol, req *http.Request) (*session, *refusal) {
	if limit := r.config.ServerConfig.MaxRequestBodySize; req.ContentLength > limit {
		return nil, bodyTooLarge(limit)
	}
	if refused := checkMediaType(req, p.mediaTypes()); refused != nil {
		return nil, refused
	}
	options, refused := r.readOptions(req)
	if refused != nil {
		return nil, refused
	}
	s := &session{
		worker: r.workers.Get().(*worker), options: options, receiver: r, protocol: p,
		ctx: req.Context(), request: req, arrival: r.arrivals.next(),
	}
	if options.key != "" {
		s.payload = newPayload(req)
	}
	s.mapper.Use(options.rules)
	s.body.Reset(req.Body, req.ContentLength, r.config.Limits.tape())
	s.body.Prefetch(prefetchBytes)
	if refused := r.enter(req.Context()); refused != nil {
		if cut := s.body.ReadErr(); cut != nil && req.Context().Err() != nil {
			refused = readRefusal(cut)
		}
		r.recycle(s.worker)
		return nil, refused
	}
	return s, nil
}

func (r *jsonReceiver) end(s *session) {
	<-r.places
	r.recycle(s.worker)
}

func (r *jsonReceiver) recycle(w *worker) {
	w.body.Release()
	w.mapper.Release()
	w.batch.Reset()
	r.workers.Put(w)
}

// enter takes a place, waiting for one if it must.
func (r *jsonReceiver) enter(ctx context.Context) *refusal {
	select {
	case r.places <- struct{}{}:
		return nil
	default:
	}
	timeout := time.NewTimer(r.config.Limits.QueueTimeout)
	defer timeout.Stop()
	select {
	case r.places <- struct{}{}:
		return nil
	case <-timeout.C:
		return tooManyRequests(r.config.Limits.ConcurrentRequests)
	case <-ctx.Done():
		return shuttingDown()
	}
}

func (r *jsonReceiver) count(s *session) {
	for code, n := range s.byCode {
		r.telemetry.JSONLogRecordsRejected.Add(s.ctx, int64(n),
			metric.WithAttributes(attribute.String("protocol", s.protocol.name()), attribute.String("code", code)))
	}
	if s.refused != nil {
		r.countRefused(s.ctx, s.protocol, s.refused)
	}
}

func (r *jsonReceiver) countRefused(ctx context.Context, p protocol, refused *refusal) {
	r.telemetry.JSONLogRequestsRefused.Add(ctx, 1,
		metric.WithAttributes(attribute.String("protocol", p.name()), attribute.String("reason", refused.code)))
}

// refuseBeforeRoute answers for confighttp, which checks credentials and encodings.
func refuseBeforeRoute(w http.ResponseWriter, _ *http.Request, message string, status int) {
	plainJSON{}.refuse(w, serverRefusal(message, status))
}

func notFound(w http.ResponseWriter, req *http.Request) {
	plainJSON{}.refuse(w, &refusal{status: http.StatusNotFound, code: "not_found", message: fmt.Sprintf(
		"nothing is served at %s %s: send JSON logs with POST to /v1/json, /loki/api/v1/push, /_bulk, "+
			"/services/collector/event or /insert/jsonline", req.Method, req.URL.Path)})
}
