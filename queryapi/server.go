package queryapi

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.opentelemetry.io/collector/component/componentstatus"
	"go.uber.org/zap"
	"golang.org/x/sync/semaphore"

	"github.com/instantdevlogs/devlogs/queryapi/livefeed"
	"github.com/instantdevlogs/devlogs/storage"
)

// tenantHeader names the tenant whose logs a request is about; absent: the tenant with the empty name.
const tenantHeader = "X-Scope-OrgID"

// server answers requests over one store.
type server struct {
	reader       storage.Reader
	feeds        *livefeed.Feeds // of what is committed, for tails
	limits       Limits
	writeTimeout time.Duration
	origins      []string            // of browsers that may open a WebSocket, beside this server's own
	turns        *semaphore.Weighted // one for each query that may run at a time
	places       *semaphore.Weighted // one for each tail that may be followed at a time
	heartbeat    time.Duration       // how often a tail says that it is alive
	following    context.Context     // ends all tails when it ends
	endTails     context.CancelCauseFunc
	telemetry    *telemetry
	logger       *zap.Logger
	ready        func() error
	health       *storeHealth
}

func newServer(reader storage.Reader, config *Config, telemetry *telemetry, logger *zap.Logger) *server {
	following, endTails := context.WithCancelCause(context.Background())
	var origins []string
	if cors := config.ServerConfig.CORS.Get(); cors != nil {
		origins = cors.AllowedOrigins
	}
	return &server{
		origins: origins,
		reader:  reader, feeds: livefeed.New(reader), limits: config.Limits, writeTimeout: config.ServerConfig.WriteTimeout,
		turns:     semaphore.NewWeighted(int64(config.Limits.MaxConcurrentQueries)),
		places:    semaphore.NewWeighted(int64(config.Limits.MaxTails)),
		heartbeat: heartbeat, following: following, endTails: endTails,
		telemetry: telemetry, logger: logger,
		ready:  func() error { return nil },
		health: &storeHealth{report: func(*componentstatus.Event) {}},
	}
}

// handler answers a query: a value that becomes JSON, or a responder.
type handler func(ctx context.Context, source *Source, p *params) (any, error)

// responder is a value that writes itself. When it returns an error it has written nothing.
type responder interface {
	respond(w http.ResponseWriter, r *http.Request) error
}

// routes is every endpoint.
func (s *server) routes() http.Handler {
	mux := http.NewServeMux()
	query := func(path, name string, h handler) { mux.Handle(path, s.serve(name, s.turn, h)) }
	query("/api/v1/logs", "logs", s.logs)
	mux.Handle("/api/v1/logs/tail", s.serve("tail", s.place, s.tail))
	query("/api/v1/logs/{id}", "record", s.record)
	query("/api/v1/logs/{id}/context", "context", s.context)
	query("/api/v1/histogram", "histogram", s.histogram)
	query("/api/v1/facets", "facets", s.facets)
	query("/api/v1/fields", "fields", s.fields)
	query("/api/v1/fields/{name}/values", "field_values", s.fieldValues)
	query("/api/v1/services", "services", s.services)
	query("/api/v1/explain", "explain", s.explain)
	query("/api/v1/stats", "stats", s.stats)
	mux.Handle("/api/v1/openapi.yaml", plain(s.openapi))
	s.mountLoki(mux)
	mux.Handle("/healthz", plain(s.healthz))
	mux.Handle("/readyz", plain(s.readyz))
	mux.Handle("/metrics", s.telemetry.metrics(s.reader))
	mux.Handle("/", plain(s.index))
	return secure(mux)
}

// secure sets the headers that keep a browser from doing more with an answer than showing it.
func secure(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Cache-Control", "no-store")
		next.ServeHTTP(w, r)
	})
}

// entrance lets a request in or refuses it; leave gives back what it took.
type entrance func(r *http.Request) (leave func(), err error)

// serve runs a query: it admits the request, gives it a turn and a time limit, and answers.
func (s *server) serve(name string, enter entrance, h handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		source := &Source{reader: s.reader, feeds: s.feeds, maxRange: s.limits.MaxRange}
		done := s.telemetry.begin(r.Context(), name, source)
		var answer *apiError
		defer func() {
			cut := recover()
			if aborted, ok := cut.(*abortedExport); ok {
				answer, cut = aborted.apiError, http.ErrAbortHandler
			} else if cut != nil {
				answer = &apiError{Code: codeInternal}
			}
			s.log(name, answer)
			s.health.note(answer)
			done(answer)
			if cut != nil {
				panic(cut)
			}
		}()
		answer = s.answer(w, r, source, enter, h)
	})
}

// answer is what serve does between the books; it returns the error that was sent.
func (s *server) answer(w http.ResponseWriter, r *http.Request, source *Source, enter entrance, h handler) *apiError {
	ctx, cancel := context.WithCancelCause(r.Context())
	defer cancel(nil)
	r = r.WithContext(ctx)
	err := s.admit(r, source)
	leave := func() {}
	if err == nil {
		leave, err = enter(r)
	}
	if err == nil {
		defer leave()
		limit := startLimit("query_timeout", s.limits.QueryTimeout, cancel)
		defer func() { limit.Stop() }()
		var value any
		value, err = h(ctx, source, newParams(r, &s.limits))
		extendWrite(http.NewResponseController(w), s.writeTimeout)
		switch value.(type) {
		case *export:
			limit.Stop()
			limit = startLimit("export_timeout", s.limits.ExportTimeout, cancel)
		case *tail, lokiTail:
			limit.Stop()
			defer context.AfterFunc(s.following, func() { cancel(context.Cause(s.following)) })()
		}
		if err == nil {
			err = write(w, r, value)
		}
	}
	if err == nil {
		return nil
	}
	answer := apiErrorOf(ctx, err)
	writeError(w, answer)
	return answer
}

// admit checks method and tenant.
func (s *server) admit(r *http.Request, source *Source) error {
	if err := allowed(r, http.MethodGet, http.MethodHead); err != nil {
		return err
	}
	source.tenant = r.Header.Get(tenantHeader)
	if err := storage.CheckTenant(source.tenant); err != nil {
		return &apiError{
			Code: codeInvalidParameter, Message: "the header " + tenantHeader + " holds no tenant's name: " + err.Error(),
			Hint: fmt.Sprintf("at most %d bytes of UTF-8 without control characters", storage.MaxTenant),
		}
	}
	return nil
}

// turn is the entrance of queries: it waits for a turn.
func (s *server) turn(r *http.Request) (func(), error) {
	wait, cancel := context.WithTimeout(r.Context(), s.limits.MaxWait)
	defer cancel()
	if s.turns.Acquire(wait, 1) == nil {
		return func() { s.turns.Release(1) }, nil
	}
	if r.Context().Err() != nil {
		return nil, r.Context().Err()
	}
	return nil, &apiError{
		Code: codeTooManyQueries, Setting: "max_concurrent_queries", retryAfter: time.Second,
		Message: fmt.Sprintf("%d queries are running, and none ended within %s", s.limits.MaxConcurrentQueries, s.limits.MaxWait),
		Hint:    "try again, or raise limits::max_concurrent_queries of query_api",
	}
}

// place is the entrance of tails, which stay: it does not wait.
func (s *server) place(*http.Request) (func(), error) {
	if s.places.TryAcquire(1) {
		return func() { s.places.Release(1) }, nil
	}
	return nil, &apiError{
		Code: codeTooManyQueries, Setting: "max_tails", retryAfter: 5 * time.Second,
		Message: fmt.Sprintf("%d tails are being followed", s.limits.MaxTails),
		Hint:    "end one, or raise limits::max_tails of query_api",
	}
}

// tailsEnded waits until no tail is followed. After it no tail finds a place.
func (s *server) tailsEnded(ctx context.Context) error {
	if err := s.places.Acquire(ctx, int64(s.limits.MaxTails)); err != nil {
		return fmt.Errorf("wait for tails to end: %w", err)
	}
	return nil
}

// startLimit cancels a query after a time limit; 0: never.
func startLimit(setting string, limit time.Duration, cancel context.CancelCauseFunc) *time.Timer {
	if limit == 0 {
		limit = math.MaxInt64
	}
	return time.AfterFunc(limit, func() { cancel(timedOut(setting, limit)) })
}

func allowed(r *http.Request, methods ...string) error {
	if slices.Contains(methods, r.Method) {
		return nil
	}
	return &apiError{
		Code: codeMethodNotAllowed, Message: r.Method + " is not allowed on " + r.URL.Path, Hint: "use " + strings.Join(methods, " or "),
		allow: methods,
	}
}

// log keeps what only the operator can mend.
func (s *server) log(endpoint string, err *apiError) {
	if err != nil && (err.Code == codeInternal || err.Code == codeUnavailable) {
		s.logger.Error("Query failed", zap.String("endpoint", endpoint), zap.String("code", err.Code), zap.Error(cmp.Or(err.cause, error(err))))
	}
}

// write answers with a value.
func write(w http.ResponseWriter, r *http.Request, value any) error {
	if self, ok := value.(responder); ok {
		return self.respond(w, r)
	}
	var body bytes.Buffer
	encoder := json.NewEncoder(&body)
	encoder.SetEscapeHTML(false) // it is never read as HTML: see secure
	if err := encoder.Encode(value); err != nil {
		return fmt.Errorf("encode the answer: %w", err)
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(body.Len()))
	_, err := w.Write(body.Bytes())
	if err != nil {
		return clientGone(err)
	}
	return nil
}

// errorBody is the answer of every request that fails.
type errorBody struct {
	Error *apiError `json:"error"`
}

func writeError(w http.ResponseWriter, err *apiError) {
	if loki, ok := w.(*lokiWriter); ok {
		loki.writeError(err)
		return
	}
	if err.Code == codeCanceled {
		return
	}
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Del("Content-Disposition")
	h.Del("Content-Length")
	if len(err.allow) > 0 {
		h.Set("Allow", strings.Join(err.allow, ", "))
	}
	if err.retryAfter > 0 {
		h.Set("Retry-After", strconv.Itoa(int(math.Ceil(err.retryAfter.Seconds()))))
	}
	w.WriteHeader(err.status())
	_ = json.NewEncoder(w).Encode(errorBody{err}) // whoever can't read it is gone
}
