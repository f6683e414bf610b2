package cli

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

// twoStepContext makes the first Ctrl-C (or SIGTERM) end soft and the second end hard. release must be called.
func twoStepContext(parent context.Context, out io.Writer) (soft, hard context.Context, release func()) {
	hard, stopHard := context.WithCancel(parent)
	soft, stopSoft := context.WithCancel(hard)
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		select {
		case <-signals:
			fmt.Fprintln(out, "stopping: waiting for what is on its way; once more to give that up")
			stopSoft()
		case <-hard.Done():
			return
		}
		select {
		case <-signals:
			stopHard()
		case <-hard.Done():
		}
	}()
	return soft, hard, func() {
		signal.Stop(signals)
		stopHard()
		<-ended
		stopSoft()
	}
}
