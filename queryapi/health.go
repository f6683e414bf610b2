package queryapi

import (
	"context"
	"net/http"
	"time"
)

// plain serves what is no query: it needs no turn and keeps no books.
func plain(answer func(r *http.Request) (any, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		err := allowed(r, http.MethodGet, http.MethodHead)
		var value any
		if err == nil {
			value, err = answer(r)
		}
		if err == nil {
			err = write(w, r, value)
		}
		if err != nil {
			writeError(w, apiErrorOf(r.Context(), err))
		}
	})
}

// healthz answers GET /healthz: the process is alive and its HTTP server answers.
func (s *server) healthz(*http.Request) (any, error) { return map[string]string{"status": "ok"}, nil }

// readyz answers GET /readyz: the pipelines run and the store answers.
func (s *server) readyz(r *http.Request) (any, error) {
	ctx, cancel := context.WithTimeout(r.Context(), 2*time.Second)
	defer cancel()
	if err := s.ready(ctx); err != nil {
		return nil, &apiError{Code: codeUnavailable, Message: err.Error(), retryAfter: time.Second}
	}
	if _, err := s.reader.Stats(ctx); err != nil {
		return nil, &apiError{Code: codeUnavailable, Message: "the store does not answer: " + err.Error(), retryAfter: time.Second}
	}
	return map[string]string{"status": "ready"}, nil
}
