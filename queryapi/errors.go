package queryapi

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/instantdevlogs/devlogs/logql"
	"github.com/instantdevlogs/devlogs/logql/engine"
	"github.com/instantdevlogs/devlogs/queryapi/lokiapi"
	"github.com/instantdevlogs/devlogs/storage"
)

// The codes that an error answer carries. They are part of the API: clients may switch on them.
const (
	codeInvalidParameter = "invalid_parameter"
	codeForbidden        = "forbidden"
	codeNotFound         = "not_found"
	codeMethodNotAllowed = "method_not_allowed"
	codeLimitExceeded    = "limit_exceeded"
	codeTooManyQueries   = "too_many_queries"
	codeTimeout          = "timeout"
	codeUnavailable      = "unavailable"
	codeCanceled         = "canceled"
	codeInternal         = "internal"
)

// statuses is the one place that knows HTTP status codes.
var statuses = map[string]int{
	codeInvalidParameter: http.StatusBadRequest,
	codeForbidden:        http.StatusForbidden,
	codeNotFound:         http.StatusNotFound,
	codeMethodNotAllowed: http.StatusMethodNotAllowed,
	codeLimitExceeded:    http.StatusUnprocessableEntity,
	codeTooManyQueries:   http.StatusTooManyRequests,
	codeTimeout:          http.StatusGatewayTimeout,
	codeUnavailable:      http.StatusServiceUnavailable,
	codeCanceled:         499, // the client is gone and won't read it; the number is for metrics
	codeInternal:         http.StatusInternalServerError,
}

// apiError is the one shape of every error answer: {"error": {…}}.
type apiError struct {
	Code     string `json:"code"`
	Message  string `json:"message"`
	Hint     string `json:"hint,omitempty"`     // what to do
	Position *int   `json:"position,omitempty"` // byte offset into the parameter at fault
	Setting  string `json:"setting,omitempty"`  // the limit that was hit, as it is written below limits; or allowed_hosts, or memory_limit_mib of the store

	retryAfter time.Duration
	allow      []string
	cause      error
}

func (e *apiError) Error() string { return e.Message }
func (e *apiError) Unwrap() error { return e.cause }

func (e *apiError) status() int { return statuses[e.Code] }

// invalid says what is wrong with a parameter.
func invalid(parameter string, err error) *apiError {
	var known *apiError
	if errors.As(err, &known) {
		return known
	}
	return &apiError{Code: codeInvalidParameter, Message: parameter + ": " + err.Error()}
}

// badQuery says what is wrong with a query of LogQL, and where.
func badQuery(err *logql.Error) *apiError {
	answer := &apiError{Code: codeInvalidParameter, Message: "query: " + err.Error(), cause: err}
	if err.Line > 0 {
		answer.Position = &err.Offset
	}
	return answer
}

// overLimit says which setting a request goes beyond.
func overLimit(setting, format string, args ...any) *apiError {
	return &apiError{
		Code: codeLimitExceeded, Message: fmt.Sprintf(format, args...), Setting: setting,
		Hint: "ask for less, or raise limits::" + setting + " of query_api",
	}
}

// errShutdown is the cause with which the server ends the queries that outlive its patience at shutdown.
var errShutdown = &apiError{
	Code: codeUnavailable, Message: "devlogs is shutting down", Hint: "try again when it is back", retryAfter: time.Second,
}

// timedOut is the cause with which the server ends a query after limits::<setting>.
func timedOut(setting string, after time.Duration) *apiError {
	return &apiError{
		Code: codeTimeout, Message: fmt.Sprintf("the query was stopped after %s", after), Setting: setting,
		Hint: "narrow its time range or filters, or raise limits::" + setting + " of query_api",
	}
}

// apiErrorOf turns whatever ended a request into the answer. ctx is the query's.
func apiErrorOf(ctx context.Context, err error) *apiError {
	var known *apiError
	if errors.As(err, &known) {
		return known
	}
	if ctx.Err() != nil {
		if errors.As(context.Cause(ctx), &known) {
			return known
		}
		return clientGone(err)
	}
	var unavailable *storage.UnavailableError
	var memory *storage.MemoryError
	var language *logql.Error
	var evaluation *engine.QueryError
	var limit *engine.LimitError
	var lokiBad *lokiapi.BadRequest
	var lokiLimit *lokiapi.TooMuch
	switch {
	case errors.As(err, &language):
		return badQuery(language)
	case errors.As(err, &evaluation):
		return &apiError{Code: codeInvalidParameter, Message: "query: " + evaluation.Msg, cause: err}
	case errors.As(err, &limit):
		known := overLimit(limit.Limit, "%s", limit.Msg)
		known.cause = err
		return known
	case errors.As(err, &lokiBad):
		return &apiError{Code: codeInvalidParameter, Message: lokiBad.Msg}
	case errors.As(err, &lokiLimit):
		return overLimit(lokiLimit.Setting, "%s", lokiLimit.Msg)
	case errors.Is(err, storage.ErrNotFound):
		return &apiError{Code: codeNotFound, Message: "there is no such record", Hint: "it may have been removed by retention", cause: err}
	case errors.As(err, &memory):
		return &apiError{
			Code: codeLimitExceeded, Message: memory.Error(), Setting: memory.Setting, cause: err,
			Hint: "narrow its time range or filters, group by fewer values, or raise " + memory.Setting + " of the store",
		}
	case errors.As(err, &unavailable):
		return &apiError{Code: codeUnavailable, Message: unavailable.Reason, retryAfter: unavailable.RetryAfter, cause: err}
	}
	return &apiError{
		Code: codeInternal, Message: "the store could not answer: " + err.Error(),
		Hint: "devlogs has logged it with more detail", cause: err,
	}
}

// clientGone is the error of an answer that nobody reads.
func clientGone(err error) *apiError {
	return &apiError{Code: codeCanceled, Message: "the client went away", cause: err}
}
