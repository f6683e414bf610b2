package queryapi

import (
	"context"
	"net/http"
	"sync"
	"time"

	"go.opentelemetry.io/collector/component/componentstatus"
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
	if err := s.ready(); err != nil {
		return nil, &apiError{Code: codeUnavailable, Message: err.Error(), retryAfter: time.Second}
	}
	if _, err := s.reader.Stats(ctx); err != nil {
		return nil, &apiError{Code: codeUnavailable, Message: "the store does not answer: " + err.Error(), retryAfter: time.Second}
	}
	return map[string]string{"status": "ready"}, nil
}

// storeHealth tells the Collector when the store begins to fail queries, and when it answers again.
type storeHealth struct {
	report func(*componentstatus.Event)

	mu      sync.Mutex
	failing bool
}

// note takes how a query ended. Only queries that reached the store say something about it.
func (h *storeHealth) note(err *apiError) {
	failed := err != nil && err.Code == codeInternal
	if !failed && err != nil {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if failed == h.failing {
		return
	}
	h.failing = failed
	if failed {
		h.report(componentstatus.NewRecoverableErrorEvent(err))
	} else {
		h.report(componentstatus.NewEvent(componentstatus.StatusOK))
	}
}
