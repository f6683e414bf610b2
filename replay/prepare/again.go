package prepare

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"

	"github.com/instantdevlogs/devlogs/replay/ledger"
)

// Sent is one request as it was put on the wire: uncompressed OTLP protobuf, or a raw HTTP body.
type Sent struct {
	Request ledger.Request
	Body    []byte // valid until the next one
	Raw     bool
}

// Again makes, from the recording and the settings in the run's meta, the bytes of each of the ledger's requests. They
// come in the order of the recording. An error is the last thing it yields: one when the recording is not there any more
// or not what was played.
func Again(meta ledger.Meta, requests []ledger.Request) iter.Seq2[Sent, error] {
	return func(yield func(Sent, error) bool) {
		if err := again(meta, requests, yield); err != nil && !errors.Is(err, errStopped) {
			yield(Sent{}, fmt.Errorf("make the requests of %s again: %w", meta.Recording, err))
		}
	}
}

var errStopped = errors.New("stopped")

func again(meta ledger.Meta, requests []ledger.Request, yield func(Sent, error) bool) error {
	var settings Settings
	if err := json.Unmarshal(meta.Play, &settings); err != nil {
		return fmt.Errorf("the run's settings cannot be read: %w", err)
	}
	bySource := slices.Clone(requests)
	slices.SortStableFunc(bySource, func(a, b ledger.Request) int { return cmp.Compare(a.Source, b.Source) })
	s, err := Open(settings)
	if err != nil {
		return err
	}
	defer s.Close()
	var body []byte
	for len(bySource) > 0 {
		r, err := s.Next()
		if errors.Is(err, io.EOF) || err == nil && r.Source > bySource[0].Source {
			return fmt.Errorf("its message %d is not there any more", bySource[0].Source)
		}
		if err != nil {
			return err
		}
		for len(bySource) > 0 && bySource[0].Source == r.Source {
			sent := bySource[0]
			bySource = bySource[1:]
			if sent.First != r.First || sent.Records != r.Records {
				return fmt.Errorf("its message %d has %d records from %d on, but %d from %d on were sent",
					r.Source, r.Records, r.First, sent.Records, sent.First)
			}
			p := s.settings.Patch(r, Copy{Number: sent.Copy, Shift: sent.Shift})
			body = r.Render(body, &p)
			if !yield(Sent{Request: sent, Body: body, Raw: r.Raw}, nil) {
				return errStopped
			}
		}
	}
	for { // a file is compared with its manifest when its end is read
		if _, err := s.Next(); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
	}
}
