package storage

import (
	"context"
	"fmt"
)

type traceKey struct{}

// WithTrace makes stores tell note each statement that they send to their database to answer what is asked with the returned
// context. args are the statement's arguments as texts. note may be called by several goroutines at once.
func WithTrace(ctx context.Context, note func(sql string, args []string)) context.Context {
	return context.WithValue(ctx, traceKey{}, note)
}

// Trace is for stores to call with each statement. It costs next to nothing when nobody wants to know.
func Trace[A any](ctx context.Context, sql string, args []A) {
	note, ok := ctx.Value(traceKey{}).(func(string, []string))
	if !ok {
		return
	}
	texts := make([]string, len(args))
	for i, a := range args {
		if b, isBytes := any(a).([]byte); isBytes {
			texts[i] = string(b)
		} else {
			texts[i] = fmt.Sprint(a)
		}
	}
	note(sql, texts)
}
