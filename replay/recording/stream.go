package recording

import (
	"context"
	"fmt"
	"io"

	"golang.org/x/sync/semaphore"
)

// readAhead bounds the bytes, as they lie in the files, that are read before they are asked for, over all chains. A
// chain always may hold one message, however large.
const readAhead = 32 << 20

// stream reads and decodes one chain ahead of its reader.
type stream struct {
	rank    int
	chain   *chain
	decoder *decoder
	tokens  chan struct{} // one for each decode that may run
	size    int64
	budget  *semaphore.Weighted
	out     chan *ahead

	head *Message // next in the merge
	last int64    // arrival of the message before
}

// ahead is a message on its way; msg and err may be read once done is closed.
type ahead struct {
	msg      *Message
	observed int64 // latest observed time, 0: none
	time     int64 // latest event time, 0: none
	err      error
	weight   int64
	done     chan struct{}
}

func newStream(rank, chains int, c *chain, d *decoder, tokens chan struct{}) *stream {
	size := int64(max(readAhead/chains, 1<<20))
	return &stream{
		rank: rank, chain: c, decoder: d, tokens: tokens,
		size: size, budget: semaphore.NewWeighted(size), out: make(chan *ahead, max(1, 64/chains)),
	}
}

// run reads until the end of the chain, an error, or the end of ctx.
func (s *stream) run(ctx context.Context) {
	defer s.chain.close()
	defer close(s.out)
	for {
		l, err := s.chain.next()
		a := &ahead{err: err, done: make(chan struct{})}
		if err != nil {
			close(a.done)
		} else {
			a.weight = min(int64(len(l.data))+1024, s.size)
			if s.budget.Acquire(ctx, a.weight) != nil {
				return
			}
			select {
			case s.tokens <- struct{}{}:
			case <-ctx.Done():
				return
			}
			go func() {
				a.decode(l, s.decoder)
				<-s.tokens
				close(a.done)
			}()
		}
		select {
		case s.out <- a:
		case <-ctx.Done():
			<-a.done
			return
		}
		if err != nil {
			return
		}
	}
}

// next waits for the next message. With an error from decoding it returns a message that has only a position.
func (s *stream) next() (*Message, error) {
	a, ok := <-s.out
	if !ok {
		return nil, io.EOF
	}
	<-a.done
	s.budget.Release(a.weight)
	if a.err != nil {
		return a.msg, a.err
	}
	s.stamp(a)
	return a.msg, nil
}

// stamp settles when the message arrived. Within a chain the order of the file stands, so time never goes back.
func (s *stream) stamp(a *ahead) {
	m := a.msg
	switch {
	case m.Entry != nil && m.Entry.RecvNS != 0:
		m.Arrival, m.ArrivalBy = m.Entry.RecvNS, BySidecar
	case a.observed != 0:
		m.Arrival, m.ArrivalBy = a.observed, ByObserved
	case a.time != 0:
		m.Arrival, m.ArrivalBy = a.time, ByTime
	default:
		m.ArrivalBy = ByOrder
	}
	m.Arrival = max(m.Arrival, s.last)
	s.last = m.Arrival
}

func (a *ahead) decode(l located, d *decoder) {
	a.msg = &Message{
		Raw: l.raw, Body: l.data, Entry: l.entry,
		At: Position{File: l.file, Offset: l.offset, Line: l.line},
	}
	if l.raw {
		return
	}
	if l.entry != nil && l.entry.Exact != nil {
		l.data = l.entry.Exact
	}
	body, summary, err := d.decode(l.data)
	if err != nil {
		a.err = fmt.Errorf("%v: %w", a.msg.At, err)
		return
	}
	a.msg.Body, a.msg.Records = body, summary.Records
	a.observed, a.time = int64(summary.MaxObserved), int64(summary.MaxTime)
}
