package gen

import (
	"context"
	"io"
	"sync"

	"github.com/instantdevlogs/devlogs/replay/recording"
)

// Live makes messages while they are read.
type Live struct {
	out     chan *recording.Message
	cancel  context.CancelFunc
	running sync.WaitGroup
	err     error
}

// Start begins to make what the profile asks for, a few requests ahead of whoever reads. Close must be called.
func Start(ctx context.Context, profile Profile) (*Live, error) {
	if err := profile.validate(); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	l := &Live{out: make(chan *recording.Message, 16), cancel: cancel}
	l.running.Go(func() {
		defer close(l.out)
		_, l.err = Run(ctx, profile, func(m *recording.Message) error {
			select {
			case l.out <- m:
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		})
	})
	return l, nil
}

// Next returns the next message, io.EOF after the last.
func (l *Live) Next() (*recording.Message, error) {
	if m, ok := <-l.out; ok {
		return m, nil
	}
	if l.err != nil {
		return nil, l.err
	}
	return nil, io.EOF
}

// Notes is there to be read like a recording; nothing is amiss with what is made.
func (l *Live) Notes() recording.Notes { return recording.Notes{} }

// Close ends the making.
func (l *Live) Close() error {
	l.cancel()
	l.running.Wait()
	return nil
}
