package gen

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"go.opentelemetry.io/collector/pdata/plog"
)

// Severities that are used.
const (
	debug = plog.SeverityNumberDebug
	info  = plog.SeverityNumberInfo
	warn  = plog.SeverityNumberWarn
	fault = plog.SeverityNumberError
	fatal = plog.SeverityNumberFatal
)

// journey is one request of a user on its way through the services.
type journey struct {
	trace  [16]byte
	user   string
	client string
	left   int // how many services it may still visit
}

// timeout is how long services wait for each other.
const timeout = 3 * time.Second

// request sends a user's request into the company and returns how many things are said about it.
func (s *sim) request(at time.Duration) int {
	before := s.planned
	j := &journey{trace: s.chance.traceID(), user: userName(s.chance), client: address(s.chance), left: s.chance.between(3, 6)}
	s.visit(s.services[0], at, j)
	return s.planned - before
}

// visit lets one service work on a request from at on; it returns when the answer comes and its status.
func (s *sim) visit(to *service, at time.Duration, j *journey) (time.Duration, int) {
	c := s.chance
	j.left--
	in := to.instance(c)
	span := c.spanID()
	route, method := pick(c, to.routes), pick(c, methods)
	path := strings.ReplaceAll(route, "{id}", strconv.Itoa(c.IntN(orders)))
	say := func(at time.Duration, severity plog.SeverityNumber, message string, fields ...field) *saying {
		return s.say(&saying{at: at, from: in, severity: severity, message: message, fields: fields, trace: j.trace, span: span,
			client: j.client, logger: to.name + ".http"})
	}
	if c.one(0.12) {
		say(at, debug, "request received: "+method+" "+path, field{"http.request.method", method}, field{"url.path", path})
	}
	now := at + c.around(to.median/3, 1.8)
	if c.one(0.45) {
		s.surprise(in, now, j.trace, span)
	}
	code := status(c, 0.02)
	for _, next := range to.calls {
		if j.left <= 0 || !c.one(0.75) {
			continue
		}
		answered, nextCode := s.call(to, in, next, now, span, j)
		if now = answered; nextCode >= 500 && c.one(0.6) {
			code = 502
			if nextCode == 504 {
				code = 504
			}
			break
		}
	}
	now += c.around(to.median, 1.8)
	if to.slow != nil && c.one(0.7) {
		now += c.around(2*timeout, 1.4)
		say(now, warn, "connection pool exhausted: 50 of 50 in use, 37 waiting", field{"pool.size", 50}).incident = to.slow
		code = 504
	}
	s.finish(to, in, at, now, span, j, method, path, route, code)
	return now, code
}

// call waits for another service, not for ever, and tries once more.
func (s *sim) call(from *service, in *instance, to *service, at time.Duration, span [8]byte, j *journey) (time.Duration, int) {
	c := s.chance
	answered, code := s.visit(to, at, j)
	if cert := to.cert; cert != nil && c.one(0.8) {
		s.say(&saying{at: at + time.Millisecond, from: in, severity: fault, trace: j.trace, span: span, logger: from.name + ".client",
			message:  "tls: failed to verify certificate of " + to.name + ".svc.cluster.local: x509: certificate has expired",
			incident: cert, fields: []field{{"peer.service", to.name}}})
		return at + 2*time.Millisecond, 502
	}
	if answered-at < timeout {
		return answered, code
	}
	gaveUp := at + timeout
	message := fmt.Sprintf("timeout after %d ms calling %s%s", timeout.Milliseconds(), to.name, to.routes[0])
	s.say(&saying{at: gaveUp, from: in, severity: fault, message: message, trace: j.trace, span: span, logger: from.name + ".client",
		stack: stackTrace(c, from.language, message), incident: to.slow,
		fields: []field{{"peer.service", to.name}, {"retry.attempt", 1}}})
	s.say(&saying{at: gaveUp + c.around(100*time.Millisecond, 1.3), from: in, severity: warn, trace: j.trace, span: span,
		message: "retrying call to " + to.name + " (attempt 2)", logger: from.name + ".client", incident: to.slow,
		fields: []field{{"peer.service", to.name}, {"retry.attempt", 2}}})
	return gaveUp + c.around(timeout/2, 1.5), 504
}

// finish logs the answer, in the gateway as an access log.
func (s *sim) finish(to *service, in *instance, began, now time.Duration, span [8]byte, j *journey, method, path, route string, code int) {
	c := s.chance
	ms := float64((now-began)/time.Microsecond) / 1000
	fields := []field{
		{"http.request.method", method}, {"http.response.status_code", code}, {"http.route", route},
		{"duration_ms", ms}, {"user.id", j.user},
	}
	severity := info
	switch {
	case code >= 500:
		severity = fault
	case code >= 400:
		severity = warn
	}
	message := fmt.Sprintf("%s %s finished: %d in %s ms", method, path, code, strconv.FormatFloat(ms, 'f', 1, 64))
	if to.format == formatAccess {
		message = fmt.Sprintf(`%s - %s [%s] "%s %s HTTP/1.1" %d %d "-" "%s" %.3f`, j.client, j.user,
			s.profile.Start.Add(now).Format("02/Jan/2006:15:04:05 -0700"), method, path, code, 200+c.zipf(60_000), pick(c, agents), ms/1000)
		fields = append(fields, field{"client.address", j.client})
	}
	say := &saying{at: now, from: in, severity: severity, message: message, fields: fields, trace: j.trace, span: span,
		client: j.client, logger: to.name + ".http"}
	if code == 500 && c.one(0.7) {
		say.stack = stackTrace(c, to.language, "unhandled error in "+route)
	}
	if code == 504 {
		say.incident = s.blame(to)
	}
	s.say(say)
}

// blame finds whose slowness a timeout in a service comes from.
func (s *sim) blame(of *service) *Incident {
	if of.slow != nil {
		return of.slow
	}
	for _, next := range of.calls {
		if next.slow != nil {
			return next.slow
		}
	}
	return nil
}

// surprise says something from the service's own templates.
func (s *sim) surprise(in *instance, at time.Duration, trace [16]byte, span [8]byte) {
	c, service := s.chance, in.service
	table := service.templates.sit(c)
	for len(service.words) <= table {
		service.words = append(service.words, newTemplate(c))
	}
	t := service.words[table]
	say := &saying{at: at, from: in, severity: t.severity, message: t.say(c), trace: trace, span: span, logger: t.logger,
		fields: []field{{"code.namespace", t.logger}, {"thread.name", pick(c, threads) + "-" + strconv.Itoa(c.between(1, 32))}}}
	if t.severity == fault && c.one(0.4) {
		say.stack = stackTrace(c, service.language, say.message)
	}
	s.say(say)
}

func newTemplate(c chance) *template {
	var text string
	severity := info
	switch roll := c.Float64(); {
	case roll < 0.04:
		text, severity = pick(c, failures), fault
	case roll < 0.14:
		text, severity = pick(c, warnings), warn
	case roll < 0.34:
		text, severity = pick(c, debugs), debug
	default:
		text = pick(c, subjects) + " " + pick(c, verbs) + pick(c, tails)
	}
	t := parseTemplate(text)
	t.severity = severity
	t.logger = "com.example." + strings.ToLower(pick(c, classes))
	return t
}
