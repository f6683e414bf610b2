package play

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/collector/pdata/plog/plogotlp"

	"github.com/instantdevlogs/devlogs/replay/ledger"
	"github.com/instantdevlogs/devlogs/replay/recording"
)

const (
	typeProto = "application/x-protobuf"
	typeJSON  = "application/json"
	// maxAnswer is how much of an answer is read: an OTLP answer is small, an error page need not be seen whole.
	maxAnswer = 1 << 20
)

// httpSender sends OTLP over HTTP, and raw HTTP traffic as it was.
type httpSender struct {
	client  *http.Client
	target  Target
	headers http.Header
	encode  string // Content-Encoding of OTLP bodies; "": none
}

func newHTTPSender(c *Config, tlsConfig *tls.Config) *httpSender {
	s := &httpSender{target: c.Target, headers: http.Header{}}
	s.client = &http.Client{
		Transport: &http.Transport{
			DialContext:         dialPunctual,
			TLSClientConfig:     tlsConfig,
			MaxIdleConnsPerHost: c.InFlight,
			IdleConnTimeout:     time.Minute,
			DisableCompression:  true,
			WriteBufferSize:     64 << 10,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	if c.Compression != "none" {
		s.encode = c.Compression
	}
	for name, value := range c.Headers {
		s.headers.Set(name, string(value))
	}
	return s
}

func (s *httpSender) close() { s.client.CloseIdleConnections() }

func (s *httpSender) send(ctx context.Context, body []byte, entry *recording.Entry, leaving *departure) result {
	method, to := http.MethodPost, s.target.URL
	header := http.Header{}
	raw := entry != nil && entry.Proto == recording.ProtoHTTPRaw
	if entry != nil {
		recorded(header, entry)
	}
	switch {
	case raw:
		var err error
		if to, err = rawURL(s.target.Base, entry.Path); err != nil {
			return result{class: ledger.NotSent, reason: err.Error()}
		}
		method = entry.Method
		set(header, "Content-Type", entry.ContentType)
		set(header, "Content-Encoding", entry.Enc)
	case s.target.Protocol == HTTPJSON:
		header.Set("Content-Type", typeJSON)
		set(header, "Content-Encoding", s.encode)
	default:
		header.Set("Content-Type", typeProto)
		set(header, "Content-Encoding", s.encode)
	}
	for name, values := range s.headers {
		header[name] = values
	}
	// A body without GetBody and no Idempotency-Key: then the transport never sends a request twice by itself.
	p := &payload{Reader: bytes.NewReader(body)}
	var connected atomic.Bool
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(got httptrace.GotConnInfo) {
		connected.Store(true)
		leaving.over(got.Conn)
	}})
	req := (&http.Request{
		Method: method, URL: to, Host: to.Host, Header: header, Body: p, ContentLength: int64(len(body)),
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
	}).WithContext(ctx)
	if len(body) == 0 {
		req.Body = http.NoBody
		p.closed.Store(true)
	}
	answer, err := s.client.Do(req)
	r := s.judge(answer, err, connected.Load())
	r.kept = !p.closed.Load()
	return r
}

func (s *httpSender) judge(answer *http.Response, err error, connected bool) result {
	if err != nil {
		return transportFailure(err, connected)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswer))
	if err != nil {
		return transportFailure(err, true)
	}
	r := result{status: uint16(answer.StatusCode)}
	switch code := answer.StatusCode; {
	case code/100 == 2:
		r.class = ledger.Ack
		r.rejected = rejected(text, answer.Header.Get("Content-Type"))
	case code == 429 || code == 502 || code == 503 || code == 504:
		r.class, r.retry = ledger.Retryable, true
		r.retryAfter = retryAfter(answer.Header.Get("Retry-After"))
	case code >= 500 || code == http.StatusRequestTimeout:
		r.class = ledger.Ambiguous // it may have stored before it failed
	default:
		r.class = ledger.Refused
	}
	if r.class != ledger.Ack {
		r.reason = fmt.Sprintf("HTTP %d %s", answer.StatusCode, excerpt(text))
	}
	return r
}

// transportFailure is for attempts without an answer. Nothing was sent when there was no connection to send it on.
func transportFailure(err error, connected bool) result {
	r := result{class: ledger.Ambiguous, retry: true}
	if !connected {
		r.class = ledger.NotSent
	}
	var op *net.OpError
	var certificate *tls.CertificateVerificationError
	switch {
	case errors.As(err, &certificate):
		r.reason, r.retry, r.untrusted = certificate.Err.Error(), false, true
	case errors.Is(err, context.DeadlineExceeded):
		r.reason = "timeout"
	case errors.Is(err, context.Canceled):
		r.reason, r.retry = "run stopped", false
	case errors.As(err, &op):
		r.reason = op.Op + ": " + op.Err.Error()
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		r.reason = "connection closed before the answer"
	default:
		r.reason = err.Error()
		if u := (*url.Error)(nil); errors.As(err, &u) {
			r.reason = u.Err.Error()
		}
	}
	return r
}

// payload tells when the transport is done with a body: it may still read it after an early answer.
type payload struct {
	*bytes.Reader
	closed atomic.Bool
}

func (p *payload) Close() error {
	p.closed.Store(true)
	return nil
}

// recorded gives the request the headers that it came with.
func recorded(h http.Header, e *recording.Entry) {
	for name, value := range e.Headers {
		h.Set(name, value)
	}
	set(h, "X-Scope-OrgID", e.Tenant)
}

func set(h http.Header, name, value string) {
	if value != "" {
		h.Set(name, value)
	}
}

func rawURL(base *url.URL, path string) (*url.URL, error) {
	own, err := url.ParseRequestURI(path)
	if err != nil {
		return nil, fmt.Errorf("the recorded path %q is no path", path)
	}
	to := *base
	to.Path, to.RawPath, to.RawQuery = strings.TrimSuffix(base.Path, "/")+own.Path, "", own.RawQuery
	return &to, nil
}

func retryAfter(text string) time.Duration {
	if seconds, err := strconv.Atoi(text); err == nil {
		return time.Duration(max(seconds, 0)) * time.Second
	}
	if at, err := http.ParseTime(text); err == nil {
		return max(time.Until(at), 0)
	}
	return 0
}

// rejected reads the partial success of an OTLP answer. An answer that is none (raw HTTP targets) rejects nothing.
func rejected(text []byte, contentType string) uint32 {
	if len(text) < 3 {
		return 0
	}
	answer := plogotlp.NewExportResponse()
	switch kind, _, _ := strings.Cut(contentType, ";"); kind {
	case typeProto:
		if answer.UnmarshalProto(text) != nil {
			return 0
		}
	case typeJSON:
		if answer.UnmarshalJSON(text) != nil {
			return 0
		}
	}
	return uint32(max(answer.PartialSuccess().RejectedLogRecords(), 0))
}

// excerpt is the beginning of an answer, in one line.
func excerpt(text []byte) string {
	return strings.Join(strings.Fields(strings.ToValidUTF8(string(text[:min(len(text), 120)]), "?")), " ")
}
