package engine

import (
	"context"
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/duckdb/duckdb-go/v2/mapping"

	"github.com/instantdevlogs/devlogs/storage"
)

// Conn runs one statement at a time.
type Conn struct {
	conn mapping.Connection
}

// UUID is an argument or value of DuckDB's type UUID, in its usual byte order.
type UUID [16]byte

// Close frees the connection; an open transaction is rolled back.
func (c *Conn) Close() { mapping.Disconnect(&c.conn) }

// Exec runs one statement and discards its result.
func (c *Conn) Exec(ctx context.Context, sql string, args ...any) error {
	result, err := c.Query(ctx, sql, args...)
	if err != nil {
		return err
	}
	result.Close()
	return nil
}

// Query runs one statement. Its whole result is in memory when Query returns, so that the connection is free again however
// slowly the result is read: statements bound their results. Arguments are of the types that bind knows.
func (c *Conn) Query(ctx context.Context, sql string, args ...any) (*Result, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	storage.Trace(ctx, sql, args)
	var statement mapping.PreparedStatement
	defer mapping.DestroyPrepare(&statement)
	if mapping.Prepare(c.conn, sql, &statement) == mapping.StateError {
		return nil, &Error{Type: mapping.ErrorTypeBinder, Message: mapping.PrepareError(statement)}
	}
	for i, arg := range args {
		if err := bind(statement, mapping.IdxT(i+1), arg); err != nil {
			return nil, err
		}
	}
	defer c.interruptWhenDone(ctx)()
	result := &Result{}
	if err := execute(statement, &result.result); err != nil {
		result.Close()
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, err
	}
	return result, nil
}

// execute works on the statement's tasks beside DuckDB's own threads. DuckDB's own loop spins on a lock while those threads
// have the last of the tasks, a commit's write to disk above all; this one sleeps.
func execute(statement mapping.PreparedStatement, result *mapping.Result) error {
	var pending mapping.PendingResult
	defer mapping.DestroyPending(&pending)
	if mapping.PendingPrepared(statement, &pending) == mapping.StateError {
		return &Error{Message: mapping.PendingError(pending)}
	}
	const shortest, longest = 20 * time.Microsecond, 200 * time.Microsecond
	for nap := shortest; ; {
		state := mapping.PendingExecuteTask(pending)
		switch {
		case state == mapping.PendingStateNoTasksAvailable:
			time.Sleep(nap)
			nap = min(2*nap, longest)
		case state == mapping.PendingStateError:
			return &Error{Message: mapping.PendingError(pending)}
		case mapping.PendingExecutionIsFinished(state):
			if mapping.ExecutePending(pending, result) == mapping.StateError {
				return &Error{Type: mapping.ResultErrorType(result), Message: mapping.ResultError(result)}
			}
			return nil
		default:
			nap = shortest
		}
	}
}

// interruptWhenDone interrupts what runs on c when ctx ends, until the returned function is called. DuckDB forgets an
// interrupt that comes just before a statement starts, hence the repetition.
func (c *Conn) interruptWhenDone(ctx context.Context) func() {
	if ctx.Done() == nil {
		return func() {}
	}
	finished, stopped := make(chan struct{}), make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(stopped)
		again := time.NewTicker(10 * time.Millisecond)
		defer again.Stop()
		for {
			mapping.Interrupt(c.conn)
			select {
			case <-finished:
				return
			case <-again.C:
			}
		}
	})
	return func() {
		close(finished)
		if !stop() {
			<-stopped
		}
	}
}

func bind(statement mapping.PreparedStatement, i mapping.IdxT, arg any) error {
	var state mapping.State
	switch v := arg.(type) {
	case uint64:
		state = mapping.BindUInt64(statement, i, v)
	case int64:
		state = mapping.BindInt64(statement, i, v)
	case float64:
		state = mapping.BindDouble(statement, i, v)
	case bool:
		state = mapping.BindBoolean(statement, i, v)
	case string:
		if !utf8.ValidString(v) {
			return fmt.Errorf("argument %d, %q, is not UTF-8, as everything stored is", i, v)
		}
		value := mapping.CreateVarcharLength(v, mapping.IdxT(len(v)))
		defer mapping.DestroyValue(&value)
		state = mapping.BindValue(statement, i, value)
	case UUID:
		value := v.value()
		defer mapping.DestroyValue(&value)
		state = mapping.BindValue(statement, i, value)
	case []uint64:
		state = bindList(statement, i, mapping.TypeUBigInt, len(v), func(k int) mapping.Value { return mapping.CreateUInt64(v[k]) })
	case []UUID:
		state = bindList(statement, i, mapping.TypeUUID, len(v), func(k int) mapping.Value { return v[k].value() })
	default:
		return fmt.Errorf("bind argument %d: no way to pass a %T", i, arg)
	}
	if state == mapping.StateError {
		return &Error{Type: mapping.ErrorTypeBinder, Message: fmt.Sprintf("bind argument %d: %s", i, mapping.PrepareError(statement))}
	}
	return nil
}

func bindList(statement mapping.PreparedStatement, i mapping.IdxT, kind mapping.Type, n int, at func(int) mapping.Value) mapping.State {
	values := make([]mapping.Value, n)
	for k := range values {
		values[k] = at(k)
	}
	element := mapping.CreateLogicalType(kind)
	defer mapping.DestroyLogicalType(&element)
	list := mapping.CreateListValue(element, values)
	defer mapping.DestroyValue(&list)
	for k := range values {
		mapping.DestroyValue(&values[k])
	}
	return mapping.BindValue(statement, i, list)
}
