package gen

import (
	"fmt"
	"strconv"
	"time"
)

// begin starts an incident of each kind.
var begin = map[Kind]func(*sim, *Incident){
	Deploy: (*sim).deploy, DependencyTimeout: (*sim).dependencyTimeout, OOMLoop: (*sim).oomLoop, ErrorStorm: (*sim).errorStorm,
	LogSilence: (*sim).logSilence, BadClient: (*sim).badClient, ClockSkew: (*sim).clockSkew, CertExpiry: (*sim).certExpiry,
}

// deploy rolls a new version over the instances.
func (s *sim) deploy(i *Incident) {
	to := i.on
	old := to.versionText()
	to.version[1]++
	to.version[2] = 0
	i.describe("%s goes from %s to %s, one instance after the other", to.name, old, to.versionText())
	i.Signs = []string{"received SIGTERM", "version " + to.versionText()}
	step := (i.till - i.from) / time.Duration(len(to.instances)+1)
	for n := range to.instances {
		s.at(i.from+step*time.Duration(n), func() { s.restart(to, n, s.now, i) })
	}
}

// restart ends an instance in good order and starts another in its place.
func (s *sim) restart(of *service, n int, at time.Duration, i *Incident) {
	old := of.instances[n]
	logger := of.name + ".lifecycle"
	say := func(in *instance, after time.Duration, message string, fields ...field) {
		s.say(&saying{at: at + after, from: in, severity: info, message: message, logger: logger, fields: fields, incident: i})
	}
	say(old, 0, "received SIGTERM, shutting down")
	say(old, 300*time.Millisecond, "drained "+strconv.Itoa(s.chance.between(0, 40))+" requests in flight")
	say(old, 350*time.Millisecond, "bye")
	next := of.newInstance(&s.profile, s.chance)
	of.instances[n] = next
	s.start(next, 2*time.Second, say)
}

// start says what a program says when it starts.
func (s *sim) start(in *instance, after time.Duration, say func(*instance, time.Duration, string, ...field)) {
	say(in, after, fmt.Sprintf("starting %s version %s (%s) on %s", in.service.name, in.version, in.service.language, in.host))
	for n, what := range []string{"configuration loaded from /etc/app/config.yaml", "connected to database, schema at version 142",
		"connection pool ready: 10 of 50", "consumer joined group " + in.service.name, "cache warmed: 10000 entries",
		"metrics on :9464", "listening on :8080"} {
		after += s.chance.around(80*time.Millisecond, 1.6)
		say(in, after, what, field{"startup.step", n + 1})
	}
	say(in, after, "started in "+strconv.Itoa(int(after.Milliseconds()))+" ms", field{"startup.ms", int(after.Milliseconds())})
}

func (s *sim) dependencyTimeout(i *Incident) {
	i.on.slow = i
	i.describe("%s answers too late; those who call it time out, retry, and answer 504", i.on.name)
	i.Signs = []string{"timeout after " + strconv.Itoa(int(timeout.Milliseconds())) + " ms calling " + i.on.name, "connection pool exhausted"}
	s.at(i.till, func() {
		i.on.slow = nil
		s.say(&saying{at: s.now, from: i.on.instance(s.chance), severity: info, message: "connection pool recovered: 12 of 50 in use",
			logger: i.on.name + ".pool", incident: i})
	})
}

// oomLoop kills one instance again and again.
func (s *sim) oomLoop(i *Incident) {
	n := s.chance.IntN(len(i.on.instances))
	i.describe("an instance of %s runs out of memory, is restarted, and runs out again", i.on.name)
	i.Signs = []string{"OutOfMemoryError"}
	s.repeat(i, max((i.till-i.from)/6, 5*time.Second), func() {
		in := i.on.instances[n]
		i.Instances = append(i.Instances, in.id)
		message := "java.lang.OutOfMemoryError: Java heap space"
		s.say(&saying{at: s.now, from: in, severity: fatal, message: message, stack: stackTrace(s.chance, "java", message),
			logger: i.on.name + ".lifecycle", incident: i})
		next := i.on.newInstance(&s.profile, s.chance)
		i.on.instances[n] = next
		s.start(next, 3*time.Second, func(in *instance, after time.Duration, message string, fields ...field) {
			s.say(&saying{at: s.now + after, from: in, severity: info, message: message, logger: i.on.name + ".lifecycle", fields: fields, incident: i})
		})
	})
}

// errorStorm lets one template come fifty times as often as errors of a service do.
func (s *sim) errorStorm(i *Incident) {
	t := parseTemplate("could not deserialise event {uuid} from {queue}: unexpected field 'discountV2' at offset {small}")
	i.describe("%s fails on one kind of message, over and over", i.on.name)
	i.Signs = []string{"unexpected field 'discountV2'"}
	s.repeat(i, s.rate(0.5), func() {
		message := t.say(s.chance)
		y := &saying{at: s.now, from: i.on.instance(s.chance), severity: fault, message: message, logger: i.on.name + ".consumer", incident: i}
		if s.chance.one(0.2) {
			y.stack = stackTrace(s.chance, i.on.language, message)
		}
		s.say(y)
	})
}

func (s *sim) logSilence(i *Incident) {
	i.on.silent = i
	i.describe("%s logs nothing at all", i.on.name)
	s.at(i.till, func() { i.on.silent = nil })
}

// badClient is one address that tries passwords.
func (s *sim) badClient(i *Incident) {
	ip := "198.51.100." + strconv.Itoa(s.chance.between(2, 254))
	i.describe("one client, %s, tries to log in as everybody", ip)
	i.Signs = []string{ip}
	s.repeat(i, s.rate(0.2), func() {
		user := userName(s.chance)
		code := pick(s.chance, []int{401, 401, 401, 403, 429})
		s.say(&saying{at: s.now, from: i.on.instance(s.chance), severity: warn, logger: i.on.name + ".http", client: ip, incident: i,
			message: fmt.Sprintf(`%s - %s [%s] "POST /api/v1/login HTTP/1.1" %d 87 "-" "python-requests/2.33.1" 0.00%d`, ip, user,
				s.profile.Start.Add(s.now).Format("02/Jan/2006:15:04:05 -0700"), code, s.chance.between(1, 9)),
			fields: []field{{"http.request.method", "POST"}, {"http.response.status_code", code}, {"http.route", "/api/v1/login"},
				{"client.address", ip}, {"user.id", user}}})
	})
}

func (s *sim) clockSkew(i *Incident) {
	in := i.on.instance(s.chance)
	in.skew = 7 * time.Minute
	i.Instances = []string{in.id}
	i.describe("the clock of one instance of %s is 7 minutes ahead", i.on.name)
	s.at(i.till, func() { in.skew = 0 })
}

// certExpiry warns first, and then calls fail.
func (s *sim) certExpiry(i *Incident) {
	i.describe("the certificate of %s expires; after warnings, calls to it fail", i.on.name)
	i.Signs = []string{"certificate has expired", "certificate expires in"}
	third := (i.till - i.from) / 3
	for n := range 10 {
		s.say(&saying{at: i.from + third*time.Duration(n)/10, from: i.on.instance(s.chance), severity: warn, incident: i,
			message: fmt.Sprintf("certificate expires in %d minutes", 10-n), logger: i.on.name + ".tls", fields: []field{{"tls.expires_in_min", 10 - n}}})
	}
	s.at(i.from+third, func() { i.on.cert = i })
	s.at(i.till, func() { i.on.cert = nil })
}
