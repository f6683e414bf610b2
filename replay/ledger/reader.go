package ledger

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
)

// Reader reads a run's ledger, of a run that has ended or still goes on.
type Reader struct {
	dir  string
	meta Meta

	// Torn counts the entries at the end of the file that are not whole: a sender that was killed leaves at most one.
	// Closed is true when the sender ended the run itself. Both hold for the last call of Accounts.
	Torn   int
	Closed bool
	// Concurrent is how many requests were on their way at once at most; for the last call too.
	Concurrent int
	open       int
}

// Open reads the run's Meta and checks that there is a ledger.
func Open(dir string) (*Reader, error) {
	meta, err := ReadMeta(dir)
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(filepath.Join(dir, EntriesFile)); err != nil {
		return nil, fmt.Errorf("read the run's ledger: %w", err)
	}
	return &Reader{dir: dir, meta: meta}, nil
}

// Meta is the run's.
func (r *Reader) Meta() Meta { return r.meta }

// Dir is the run's directory.
func (r *Reader) Dir() string { return r.dir }

// Events is what Walk tells. Any of them may be nil.
type Events struct {
	Begin func(Request)
	End   func(request uint64, records uint32, latency Latency, o Outcome)
}

// Walk reads the entries from the beginning, in the order in which they were written, in constant memory.
func (r *Reader) Walk(events Events) error {
	f, err := os.Open(filepath.Join(r.dir, EntriesFile))
	if err != nil {
		return fmt.Errorf("read the run's ledger: %w", err)
	}
	defer f.Close()
	r.Torn, r.Closed, r.Concurrent, r.open = 0, false, 0, 0
	in := bufio.NewReaderSize(f, 1<<20)
	for n := 0; ; n++ {
		var e entry
		_, err := io.ReadFull(in, e[:])
		if errors.Is(err, io.EOF) {
			return nil
		}
		if errors.Is(err, io.ErrUnexpectedEOF) {
			r.Torn++
			return nil
		}
		if err != nil {
			return fmt.Errorf("read the run's ledger: %w", err)
		}
		if !e.whole() {
			// Only a tail can be torn. Anything else was changed after it was written, and then nothing is proven.
			if _, err := in.Peek(1); !errors.Is(err, io.EOF) {
				return fmt.Errorf("%s is damaged at entry %d, which is not its end: its proof is void",
					filepath.Join(r.dir, EntriesFile), n)
			}
			r.Torn++
			return nil
		}
		r.tell(&e, events)
	}
}

func (r *Reader) tell(e *entry, events Events) {
	switch e.kind() {
	case kindBegin:
		r.open++
		r.Concurrent = max(r.Concurrent, r.open)
		if events.Begin != nil {
			_, request := e.begin()
			events.Begin(request)
		}
	case kindEnd:
		r.open--
		if events.End != nil {
			a, o := e.end()
			latency := Latency{FromIntended: o.Done - a.intended, FromSent: o.Done - o.Sent, Lag: o.Sent - a.intended}
			events.End(a.request, a.records, latency, o)
		}
	case kindClose:
		r.Closed = true
	}
}

// Accounts sums up each request's attempts, ordered by Request.ID. It takes 64 bytes of memory for each request.
func (r *Reader) Accounts() ([]Account, error) {
	var accounts []Account
	err := r.Walk(Events{
		Begin: func(q Request) {
			account := find(&accounts, q.ID)
			account.Request = q
			account.Attempts++
		},
		End: func(request uint64, _ uint32, _ Latency, o Outcome) {
			find(&accounts, request).settle(o, r.meta.Refusals)
		},
	})
	return accounts, err
}

// find returns the account of a request, adding it if it is new. IDs grow, so a new one nearly always goes to the end.
func find(accounts *[]Account, id uint64) *Account {
	all := *accounts
	if id < uint64(len(all)) && all[id].Request.ID == id {
		return &all[id]
	}
	i, found := slices.BinarySearchFunc(all, id, func(a Account, id uint64) int {
		switch {
		case a.Request.ID < id:
			return -1
		case a.Request.ID > id:
			return 1
		}
		return 0
	})
	if !found {
		all = slices.Insert(all, i, Account{Request: Request{ID: id}})
		*accounts = all
	}
	return &all[i]
}
