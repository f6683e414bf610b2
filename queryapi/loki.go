package queryapi

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/instantdevlogs/devlogs/logql"
	"github.com/instantdevlogs/devlogs/logql/engine"
	"github.com/instantdevlogs/devlogs/queryapi/lokiapi"
)

// mountLoki serves Loki's API. Its requests pass the same door as all others: tenant, turns, limits and books. What differs is how
// they are asked (forms may be posted) and how errors are written (as plain text).
func (s *server) mountLoki(outer *http.ServeMux) {
	mux := http.NewServeMux()
	limits := &lokiapi.Limits{
		MaxRows: s.limits.MaxRows, MaxGroups: s.limits.MaxGroups, MaxBytes: s.limits.MaxAnswerBytes, MaxRange: s.limits.MaxRange,
		MaxSeries: s.limits.MaxQuerySeries, MaxTailLag: s.limits.MaxTailLag,
	}
	for _, endpoint := range lokiapi.Endpoints() {
		enter := s.turn
		if endpoint.Tail {
			enter = s.place
		}
		mux.Handle(endpoint.Path, s.serve(endpoint.Name, enter, func(ctx context.Context, source *Source, p *params) (any, error) {
			value, err := endpoint.Answer(ctx, &lokiapi.Request{
				HTTP: p.request, Store: source, Planner: s.planner(source, nil), Limits: limits, Origins: s.origins, Started: p.now,
			})
			switch self := value.(type) {
			case *lokiapi.Tail:
				return lokiTail{lokiResponder{self}}, err
			case lokiapi.Responder:
				return lokiResponder{self}, err
			}
			return value, err
		}))
	}
	mux.Handle("/ready", plain(s.lokiReady))
	mux.Handle("/", plain(func(r *http.Request) (any, error) {
		return nil, &apiError{Code: codeNotFound, Message: "there is nothing at " + r.URL.Path}
	}))
	as := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		out := &lokiWriter{w}
		asked, err := lokiRequest(r)
		if err != nil {
			out.writeError(err)
			return
		}
		mux.ServeHTTP(out, asked)
	})
	for _, path := range []string{"/loki/", "/ready", "/prometheus/api/v1/rules", "/prometheus/api/v1/alerts"} {
		outer.Handle(path, as)
	}
}

// lokiRequest gives a request the one form that endpoints read: a posted form becomes a query string, and a prefix that
// stands there twice, as some versions of Grafana ask, stands there once.
func lokiRequest(r *http.Request) (*http.Request, *apiError) {
	path, values := r.URL.Path, r.URL.RawQuery
	for strings.HasPrefix(path, "/loki/api/v1/loki/") {
		path = strings.TrimPrefix(path, "/loki/api/v1")
	}
	for strings.HasPrefix(path, "/loki/loki/") {
		path = strings.TrimPrefix(path, "/loki")
	}
	method := r.Method
	if method == http.MethodPost {
		posted, err := io.ReadAll(io.LimitReader(r.Body, maxPosted+1))
		if err != nil {
			return nil, &apiError{Code: codeInvalidParameter, Message: "the posted form can't be read: " + err.Error()}
		}
		if len(posted) > maxPosted {
			return nil, &apiError{Code: codeInvalidParameter, Message: fmt.Sprintf("the posted form is longer than %d bytes", maxPosted)}
		}
		method, values = http.MethodGet, strings.Trim(values+"&"+string(posted), "&")
	}
	asked := r.WithContext(r.Context())
	asked.Method = method
	asked.URL = &url.URL{Path: path, RawQuery: values}
	return asked, nil
}

const maxPosted = 1 << 20 // bytes of a posted form

// lokiReady answers GET /ready in Loki's words.
func (s *server) lokiReady(r *http.Request) (any, error) {
	if _, err := s.readyz(r); err != nil {
		return nil, err
	}
	return document{"text/plain; charset=utf-8", []byte("ready\n")}, nil
}

type lokiResponder struct{ lokiapi.Responder }

// lokiTail is the responder that goes on until the client has enough.
type lokiTail struct{ lokiResponder }

func (l lokiResponder) respond(w http.ResponseWriter, r *http.Request) error { return l.Respond(w, r) }

// lokiWriter writes errors as Loki does: as text. It is a limit that Loki calls a bad request.
type lokiWriter struct{ http.ResponseWriter }

// Unwrap lets http.ResponseController find what the connection can do.
func (w *lokiWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w *lokiWriter) writeError(err *apiError) {
	if err.Code == codeCanceled {
		return
	}
	status, text := err.status(), err.Message
	var language *logql.Error
	var evaluation *engine.QueryError
	switch {
	case errors.As(err.cause, &language):
		text = language.Error()
	case errors.As(err.cause, &evaluation):
		text = evaluation.Error()
	case err.Code == codeLimitExceeded:
		status = http.StatusBadRequest
		text += "; " + err.Hint
	case err.Hint != "":
		text += ": " + err.Hint
	}
	h := w.Header()
	h.Set("Content-Type", "text/plain; charset=utf-8")
	h.Del("Content-Length")
	if len(err.allow) > 0 {
		h.Set("Allow", strings.Join(append(err.allow, http.MethodPost), ", "))
	}
	if err.retryAfter > 0 {
		h.Set("Retry-After", strconv.Itoa(int(math.Ceil(err.retryAfter.Seconds()))))
	}
	w.WriteHeader(status)
	_, _ = io.WriteString(w, text+"\n") // whoever can't read it is gone
}
