package recording

import (
	"cmp"
	"container/heap"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"maps"
	"runtime"
	"slices"
	"sync"
)

// Options of reading. The zero value is what most want.
type Options struct {
	MaxMessage int  // bytes of one message, uncompressed; 0: 64 MiB
	Strict     bool // a message cut off by the end of its file is an error, not a note
}

const defaultMaxMessage = 64 << 20

// Reader yields the messages of a recording in order of arrival. Not safe for concurrent use; it reads and decodes ahead
// on its own goroutines, within bounded memory.
type Reader struct {
	opts    Options
	chains  int
	notes   *notes
	read    map[string]*Segment // how much was read of the segments that a manifest describes
	decoder *decoder
	cancel  context.CancelFunc
	running sync.WaitGroup
	streams streamHeap
	waiting []*stream // not in the heap yet
	err     error
}

// Open finds the recordings that paths name: folders, files, or patterns.
func Open(paths []string, opts Options) (*Reader, error) {
	opts.MaxMessage = cmp.Or(opts.MaxMessage, defaultMaxMessage)
	n := &notes{promised: map[string]Segment{}}
	chains, err := findChains(paths, opts.MaxMessage, n)
	if err != nil {
		return nil, err
	}
	d, err := newDecoder(opts.MaxMessage)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	r := &Reader{opts: opts, chains: len(chains), notes: n, read: map[string]*Segment{}, decoder: d, cancel: cancel}
	for file := range n.promised {
		r.read[file] = &Segment{}
	}
	tokens := make(chan struct{}, runtime.GOMAXPROCS(0))
	for i, files := range chains {
		s := newStream(i, len(chains), &chain{files: files, limit: opts.MaxMessage, notes: n}, d, tokens)
		r.waiting = append(r.waiting, s)
		r.running.Go(func() { s.run(ctx) })
	}
	return r, nil
}

// Next returns the next message, io.EOF after the last. After another error it returns the same again.
func (r *Reader) Next() (*Message, error) {
	if r.err != nil {
		return nil, r.err
	}
	m, err := r.next()
	if errors.Is(err, io.EOF) {
		err = r.finish()
	}
	if m != nil {
		if s := r.read[m.At.File]; s != nil {
			s.Messages++
			s.Records += int64(m.Records)
		}
	}
	r.err = err
	return m, err
}

// Messages yields what is left; an error is the last thing it yields.
func (r *Reader) Messages() iter.Seq2[*Message, error] {
	return func(yield func(*Message, error) bool) {
		for {
			m, err := r.Next()
			if errors.Is(err, io.EOF) || !yield(m, err) || err != nil {
				return
			}
		}
	}
}

// Notes is what reading has come across until now.
func (r *Reader) Notes() Notes { return r.notes.snapshot() }

// Chains is how many separate series of files the recording has.
func (r *Reader) Chains() int { return r.chains }

// Close ends reading; it does not fail, and has its result only to be an io.Closer.
func (r *Reader) Close() error {
	r.cancel()
	r.running.Wait()
	r.decoder.close()
	if r.err == nil {
		r.err = errors.New("the recording is closed")
	}
	return nil
}

func (r *Reader) next() (*Message, error) {
	for _, s := range r.waiting {
		if err := r.advance(s); err != nil {
			return nil, err
		}
		if s.head != nil {
			heap.Push(&r.streams, s)
		}
	}
	r.waiting = r.waiting[:0]
	if len(r.streams) == 0 {
		return nil, io.EOF
	}
	s := r.streams[0]
	m := s.head
	if err := r.advance(s); err != nil {
		return nil, err
	}
	if s.head == nil {
		heap.Pop(&r.streams)
	} else {
		heap.Fix(&r.streams, 0)
	}
	return m, nil
}

// advance makes s.head the stream's next message, nil at its end.
func (r *Reader) advance(s *stream) error {
	for {
		m, err := s.next()
		switch {
		case errors.Is(err, io.EOF):
			s.head = nil
			return nil
		case errors.Is(err, errOtherSignal):
			r.notes.otherSignal(m.At.File)
		case err != nil:
			return err
		default:
			s.head = m
			return nil
		}
	}
}

func (r *Reader) finish() error {
	if n := r.Notes(); r.opts.Strict && n.Torn > 0 {
		return fmt.Errorf("%d messages are cut off (strict reading): %s", n.Torn, n.Warnings[0])
	}
	for _, file := range slices.Sorted(maps.Keys(r.read)) {
		got, want := r.read[file], r.notes.promised[file]
		if got.Messages != want.Messages || got.Records != want.Records {
			return fmt.Errorf("%s holds %d records in %d requests; its manifest says %d in %d: it was cut off or changed.\n%s",
				file, got.Records, got.Messages, want.Records, want.Messages, readAllTheSame)
		}
	}
	return io.EOF
}

// streamHeap orders streams by the arrival of their next message.
type streamHeap []*stream

func (h streamHeap) Len() int { return len(h) }
func (h streamHeap) Less(i, j int) bool {
	a, b := h[i], h[j]
	if a.head.Arrival != b.head.Arrival {
		return a.head.Arrival < b.head.Arrival
	}
	return a.rank < b.rank
}
func (h streamHeap) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h *streamHeap) Push(x any)   { *h = append(*h, x.(*stream)) }
func (h *streamHeap) Pop() any {
	old := *h
	last := old[len(old)-1]
	*h = old[:len(old)-1]
	return last
}
