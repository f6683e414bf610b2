package queryapi

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"go.opentelemetry.io/collector/pdata/pcommon"
)

// maxParameter bounds one parameter's value in bytes.
const maxParameter = 16 << 10

// params reads a request's parameters. It keeps the first error, so that handlers read all they need and then ask for err
// once, which also refuses parameters that nobody has asked for: a misspelt filter must not widen a query.
type params struct {
	request *http.Request
	limits  *Limits
	values  url.Values
	asked   []string
	now     time.Time
	first   error
}

func newParams(r *http.Request, limits *Limits) *params {
	p := &params{request: r, limits: limits, now: time.Now()}
	var err error
	if p.values, err = url.ParseQuery(r.URL.RawQuery); err != nil {
		p.first = &apiError{
			Code: codeInvalidParameter, Message: "the query string can't be read: " + err.Error(),
			Hint: "percent-encode it, as with curl -G --data-urlencode",
		}
	}
	if !utf8.ValidString(r.URL.Path) && p.first == nil {
		p.first = &apiError{Code: codeInvalidParameter, Message: "the path is not UTF-8"}
	}
	return p
}

// err is nil when every parameter was good and known.
func (p *params) err() error {
	if p.first != nil {
		return p.first
	}
	for name := range p.values {
		if !slices.Contains(p.asked, name) {
			known := "it takes none"
			if len(p.asked) > 0 {
				known = "it takes " + strings.Join(p.asked, ", ")
			}
			return &apiError{
				Code: codeInvalidParameter, Message: fmt.Sprintf("%s has no parameter %q", p.request.URL.Path, name), Hint: known,
			}
		}
	}
	return nil
}

func (p *params) fail(name string, err error) {
	if p.first == nil {
		p.first = invalid(name, err)
	}
}

// texts gives every value of a parameter that may be repeated.
func (p *params) texts(name string) []string {
	p.asked = append(p.asked, name)
	values := p.values[name]
	for _, v := range values {
		if len(v) > maxParameter {
			p.fail(name, fmt.Errorf("longer than %d bytes", maxParameter))
			return nil
		}
		if !utf8.ValidString(v) { // the store's driver takes no other text
			p.fail(name, errors.New("not UTF-8"))
			return nil
		}
	}
	return values
}

// text gives a parameter's value, "" when it is absent or empty.
func (p *params) text(name string) string {
	switch values := p.texts(name); len(values) {
	case 0:
		return ""
	case 1:
		return values[0]
	default:
		p.fail(name, errors.New("given more than once"))
		return ""
	}
}

// count reads a whole number from 0 to most.
func (p *params) count(name string, absent int, most int) int {
	s := p.text(name)
	if s == "" {
		return absent
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < 0 || n > most {
		p.fail(name, fmt.Errorf("a whole number from 0 to %d, got %q", most, s))
		return absent
	}
	return n
}

// oneOf reads one of a few words; the first is the default.
func (p *params) oneOf(name string, words ...string) string {
	s := p.text(name)
	if s == "" {
		return words[0]
	}
	if !slices.Contains(words, s) {
		p.fail(name, fmt.Errorf("one of %s, got %q", strings.Join(words, ", "), s))
		return words[0]
	}
	return s
}

// timeRange is what start, end and since select: [Start, End).
type timeRange struct{ Start, End pcommon.Timestamp }

// timeRange reads start, end and since. end is now unless given, and start is since before end, or as long before it as
// the limits let a query be; since 0 is the beginning.
func (p *params) timeRange(since time.Duration) timeRange {
	r := timeRange{End: pcommon.NewTimestampFromTime(p.now)}
	start, end, back := p.text("start"), p.text("end"), p.text("since")
	var err error
	if most := p.limits.MaxRange; most > 0 && (since == 0 || since > most) {
		since = most
	}
	if end != "" {
		if r.End, err = parseTime(end, p.now); err != nil {
			p.fail("end", err)
		}
	}
	if back != "" {
		if start != "" {
			p.fail("since", errors.New("give start or since, not both"))
		}
		if since, err = parseDuration(back); err != nil {
			p.fail("since", err)
		}
	}
	switch {
	case start != "":
		if r.Start, err = parseTime(start, p.now); err != nil {
			p.fail("start", err)
		}
	case since > 0 && uint64(r.End) > uint64(since):
		r.Start = r.End - pcommon.Timestamp(since)
	}
	if r.Start >= r.End && p.first == nil {
		p.fail("start", fmt.Errorf("%s is not before the end, %s", formatTime(r.Start), formatTime(r.End)))
	}
	return r
}
