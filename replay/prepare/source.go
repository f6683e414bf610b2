package prepare

import (
	"fmt"

	"github.com/instantdevlogs/devlogs/replay/patch"
	"github.com/instantdevlogs/devlogs/replay/recording"
)

// Request is one request of the recording, ready to be copied and patched. Read-only, so safe to share.
type Request struct {
	Source  uint64 // which message of the recording, from 0, filtered ones counted
	First   uint64 // ordinal of its first record
	Records uint32
	Arrival int64 // ns since 1970
	Raw     bool  // raw HTTP traffic: sent as it is
	Entry   *recording.Entry

	body  []byte
	index *patch.Index // nil when Raw
}

// Size is how many bytes a copy has.
func (r *Request) Size() int { return len(r.body) }

// Memory is about how many bytes the request holds.
func (r *Request) Memory() int {
	size := cap(r.body) + 256
	if r.index != nil {
		size += 20 * cap(r.index.Records)
	}
	return size
}

// Render writes a patched copy over dst, whose memory it uses again.
func (r *Request) Render(dst []byte, p *patch.Patch) []byte {
	dst = append(dst[:0], r.body...)
	if r.index != nil {
		r.index.Apply(dst, p)
	}
	return dst
}

// Messages is where a source's messages come from: a *recording.Reader, or something that makes them.
type Messages interface {
	Next() (*recording.Message, error) // in order of arrival; io.EOF after the last
	Notes() recording.Notes
	Close() error
}

// Source yields the requests of a recording in order of arrival. Not safe for concurrent use.
type Source struct {
	settings Settings
	reader   Messages
	thinner  *Thinner // nil: keep all
	layout   patch.Layout
	number   uint64 // of messages
	ordinal  uint64 // of records
	scratch  []byte

	// Unidentified counts the records so far that the identity cannot mark.
	Unidentified int64
}

// Open finds the recording. It makes the paths in the settings absolute.
func Open(settings Settings) (*Source, error) {
	if err := settings.locate(); err != nil {
		return nil, err
	}
	return OpenMessages(settings, func() (Messages, error) {
		return recording.Open(settings.Paths, recording.Options{MaxMessage: settings.MaxMessage, Strict: settings.Strict})
	})
}

// OpenMessages is Open for messages from anywhere. Again cannot make those requests a second time.
func OpenMessages(settings Settings, open func() (Messages, error)) (*Source, error) {
	filter, err := settings.complete()
	if err != nil {
		return nil, err
	}
	r, err := open()
	if err != nil {
		return nil, err
	}
	s := &Source{settings: settings, reader: r, layout: settings.layout()}
	if settings.Where != "" || settings.Sample > 0 && settings.Sample < 1 {
		s.thinner = &Thinner{filter: filter, sample: settings.Sample}
	}
	return s, nil
}

// Settings are those that Open was given, completed.
func (s *Source) Settings() Settings { return s.settings }

// Notes is what reading the recording came across.
func (s *Source) Notes() recording.Notes { return s.reader.Notes() }

// Close ends reading.
func (s *Source) Close() error { return s.reader.Close() }

// Next returns the next request that has a record left, io.EOF after the last.
func (s *Source) Next() (*Request, error) {
	for {
		m, err := s.reader.Next()
		if err != nil {
			return nil, err
		}
		number := s.number
		s.number++
		r := &Request{Source: number, First: s.ordinal, Arrival: m.Arrival, Raw: m.Raw, Entry: m.Entry}
		if m.Raw {
			r.body = m.Body
			return r, nil
		}
		body := m.Body
		if s.thinner != nil {
			if body, m.Records, err = s.thinner.Thin(body); err != nil {
				return nil, fmt.Errorf("%v: %w", m.At, err)
			}
		}
		if m.Records == 0 {
			continue
		}
		if err := s.prepare(r, body); err != nil {
			return nil, fmt.Errorf("%v: %w", m.At, err)
		}
		return r, nil
	}
}

func (s *Source) prepare(r *Request, body []byte) (err error) {
	r.body = body
	if s.layout.Run != "" || s.layout.Replicas > 1 {
		if s.scratch, err = patch.Stamp(s.scratch[:0], body, s.layout); err != nil {
			return err
		}
		r.body = append(body[:0], s.scratch...)
	}
	if r.index, err = patch.NewIndex(r.body, s.layout); err != nil {
		return err
	}
	s.Unidentified += int64(r.index.Unidentified(s.settings.Identity))
	r.Records = uint32(len(r.index.Records))
	s.ordinal += uint64(r.Records)
	return nil
}

// Copy is which copy of the recording, and how its times move.
type Copy struct {
	Number uint32 // loop * replicas + replica
	Shift  int64  // see patch.Clock
}

// Patch is what makes the copy of r.
func (s *Settings) Patch(r *Request, c Copy) patch.Patch {
	p := patch.Patch{
		Shift: c.Shift, Copy: c.Number, Replica: int(c.Number) % max(s.Replicas, 1), Ordinal: r.First,
		Identity: s.Identity, Run: s.Run,
	}
	if s.EventTime == Scale {
		p.Clock = s.Clock
	}
	return p
}
