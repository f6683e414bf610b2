package postgres

import (
	"context"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"go.uber.org/zap"
)

// listener wakes the tails of this process when some process has stored something. It has a connection of its own, while
// there are tails. Where it can't have one, or notifications don't come through (a pooler), tails find out by looking.
type listener struct {
	store *Store

	mu      sync.Mutex
	tails   int
	stop    context.CancelFunc
	signal  chan struct{} // closed at the next notification
	working sync.WaitGroup
}

// join is called by a tail when it starts. The function it gets gives a channel that closes at the next notification.
func (l *listener) join() func() <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.tails++; l.tails == 1 {
		ctx, stop := context.WithCancel(context.Background())
		l.stop = stop
		l.working.Go(func() { l.listen(ctx) })
	}
	return func() <-chan struct{} {
		l.mu.Lock()
		defer l.mu.Unlock()
		if l.signal == nil {
			l.signal = make(chan struct{})
		}
		return l.signal
	}
}

// leave is called by a tail when it ends.
func (l *listener) leave() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.tails--; l.tails == 0 {
		l.stop()
	}
}

func (l *listener) wait() { l.working.Wait() }

func (l *listener) wake() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.signal != nil {
		close(l.signal)
		l.signal = nil
	}
}

const listenAgain = 5 * time.Second

func (l *listener) listen(ctx context.Context) {
	for ctx.Err() == nil {
		err := l.hear(ctx)
		if ctx.Err() != nil {
			return
		}
		l.store.logger.Info("Tails look for news once a second until notifications come again", zap.Error(cause(err)))
		select {
		case <-ctx.Done():
		case <-time.After(listenAgain):
		}
	}
}

func (l *listener) hear(ctx context.Context) error {
	config, err := parseDSN(l.store.config.DSN)
	if err != nil {
		return err
	}
	conn, err := pgx.ConnectConfig(ctx, config.ConnConfig)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }() // nothing depends on how it ends
	if _, err := conn.Exec(ctx, "LISTEN "+channel, pgx.QueryExecModeExec); err != nil {
		return err
	}
	l.wake() // what came before LISTEN was not heard
	for {
		if _, err := conn.WaitForNotification(ctx); err != nil {
			return err
		}
		l.wake()
	}
}
