package sink

import (
	"fmt"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// Verdict is what happens to one request. The zero Verdict accepts it.
type Verdict struct {
	Status int           // HTTP status to refuse with, nothing kept; 0: none
	Slow   time.Duration // wait so long before answering
	Reset  bool          // keep, then cut the connection instead of answering
	Cut    bool          // cut the connection, nothing kept
	Reject int           // keep all but the last Reject records and say so as a partial success
	Lose   bool          // answer well and keep nothing: what a broken server does
	Double bool          // keep twice: likewise
}

// Script hands out verdicts. Safe for concurrent use; nil accepts everything.
type Script struct {
	steps []step
	total int64 // verdicts before the script ends
	next  atomic.Int64
}

type step struct {
	verdict Verdict
	until   int64 // index of the first verdict after it
}

// ParseScript reads verdicts separated by commas, each optionally with a count ("503x20", also "503×20"):
//
//	ok                accept
//	429, 503, 400 …   refuse with this HTTP status (over gRPC with the code that OTLP maps to it)
//	slow 2s           accept after two seconds
//	partial 3         accept but for the last three records, and say so
//	reset-after-body  receive it all, keep it, and cut the connection instead of answering
//	cut               cut the connection and keep nothing
//	lose, double      answer well, but keep nothing, or keep it twice: a server that needs to be found out
//
// An empty text accepts everything.
func ParseScript(text string) (*Script, error) {
	s := &Script{}
	if strings.TrimSpace(text) == "" {
		return s, nil
	}
	for _, word := range strings.Split(text, ",") {
		word = strings.TrimSpace(strings.ReplaceAll(word, "×", "x"))
		count := int64(1)
		if i := strings.LastIndexByte(word, 'x'); i > 0 {
			if n, err := strconv.ParseInt(strings.TrimSpace(word[i+1:]), 10, 32); err == nil && n > 0 {
				word, count = strings.TrimSpace(word[:i]), n
			}
		}
		verdict, err := parseVerdict(word)
		if err != nil {
			return nil, err
		}
		s.total += count
		s.steps = append(s.steps, step{verdict: verdict, until: s.total})
	}
	return s, nil
}

func parseVerdict(word string) (Verdict, error) {
	name, argument, _ := strings.Cut(word, " ")
	argument = strings.TrimSpace(argument)
	switch name {
	case "slow":
		if d, err := time.ParseDuration(argument); err == nil && d > 0 {
			return Verdict{Slow: d}, nil
		}
		return Verdict{}, fmt.Errorf(`script: "%s": slow needs a duration, as in "slow 2s"`, word)
	case "partial":
		if n, err := strconv.Atoi(argument); err == nil && n > 0 {
			return Verdict{Reject: n}, nil
		}
		return Verdict{}, fmt.Errorf(`script: "%s": partial needs how many records to reject, as in "partial 3"`, word)
	}
	switch word {
	case "ok":
		return Verdict{}, nil
	case "reset-after-body":
		return Verdict{Reset: true}, nil
	case "cut":
		return Verdict{Cut: true}, nil
	case "lose":
		return Verdict{Lose: true}, nil
	case "double":
		return Verdict{Double: true}, nil
	}
	if status, err := strconv.Atoi(word); err == nil && status >= 400 && status < 600 {
		return Verdict{Status: status}, nil
	}
	return Verdict{}, fmt.Errorf("script: %q is none of ok, a status from 400 to 599, slow DURATION, partial N, "+
		"reset-after-body, cut, lose, double", word)
}

func (s *Script) verdict() Verdict {
	if s == nil || s.next.Load() >= s.total {
		return Verdict{}
	}
	i := s.next.Add(1) - 1
	for _, step := range s.steps {
		if i < step.until {
			return step.verdict
		}
	}
	return Verdict{}
}
