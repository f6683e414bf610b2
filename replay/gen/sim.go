package gen

import (
	"container/heap"
	"context"
	"math"
	"time"

	"github.com/instantdevlogs/devlogs/replay/recording"
)

// sim is the running simulation.
type sim struct {
	profile  Profile
	chance   chance
	services []*service
	now      time.Duration
	events   eventHeap
	order    uint64
	planned  int // sayings so far, also those still to come
	perTrace float64
	burst    float64 // how much busier than usual it is now
	gateways []*gateway
	counters []int // of attributes that grow
	incident []*Incident

	said     int64
	arriving int // requests under way
	emit     func(*recording.Message) error
	err      error
}

// Run makes what the profile asks for. emit gets requests in order of arrival, and may keep them. The incidents tell what
// was broken when.
func Run(ctx context.Context, profile Profile, emit func(*recording.Message) error) ([]*Incident, error) {
	if err := profile.validate(); err != nil {
		return nil, err
	}
	s := &sim{profile: profile, chance: newChance(profile.Seed), perTrace: 9, burst: 1, emit: emit}
	s.services = newWorld(&profile, s.chance)
	s.counters = make([]int, len(profile.Attributes))
	for range profile.Gateways {
		s.gateways = append(s.gateways, newGateway(s))
	}
	s.at(0, s.users)
	s.at(0, s.chatter)
	if profile.Bursts > 0 {
		s.at(s.chance.wait(profile.Bursts), s.beginBurst)
	}
	if profile.Churn > 0 {
		s.at(s.chance.wait(profile.Churn/time.Duration(len(s.services))), s.replaceOne)
	}
	s.planIncidents()
	for n := 0; s.err == nil && s.said < profile.Records; n++ {
		if n%1024 == 0 && ctx.Err() != nil {
			return nil, ctx.Err()
		}
		e := heap.Pop(&s.events).(*event)
		s.now = e.at
		e.do()
	}
	s.finishGateways()
	for _, i := range s.incident {
		i.settle(s)
	}
	return s.happened(), s.err
}

// finishGateways sends what is gathered and lets all requests arrive; nothing else happens any more.
func (s *sim) finishGateways() {
	for _, g := range s.gateways {
		g.send()
	}
	for s.arriving > 0 && s.err == nil {
		if e := heap.Pop(&s.events).(*event); e.arrival {
			e.do()
		}
	}
}

// happened leaves out incidents that the recording ended before.
func (s *sim) happened() (all []*Incident) {
	for _, i := range s.incident {
		if i.begun {
			all = append(all, i)
		}
	}
	return all
}

// at lets something happen later.
func (s *sim) at(when time.Duration, do func()) {
	s.order++
	heap.Push(&s.events, &event{at: max(when, s.now), order: s.order, do: do})
}

// arrive lets a request arrive.
func (s *sim) arrive(when time.Duration, do func()) {
	s.order++
	s.arriving++
	heap.Push(&s.events, &event{at: when, order: s.order, arrival: true, do: func() {
		s.arriving--
		do()
	}})
}

// say plans a saying for its time.
func (s *sim) say(y *saying) *saying {
	s.planned++
	s.at(y.at, func() {
		if y.from.service.silent != nil {
			return
		}
		s.gateways[y.from.gateway].take(y)
	})
	return y
}

// traceShare is how much of all that is said belongs to users' requests.
const traceShare = 0.85

// users sends the next request and plans the one after.
func (s *sim) users() {
	n := s.request(s.now)
	s.perTrace += (float64(n) - s.perTrace) / 200
	rate := traceShare * s.profile.Rate / s.perTrace * s.busy()
	s.at(s.now+s.chance.wait(time.Duration(float64(time.Second)/rate)), s.users)
}

// chatter is what services say without being asked: jobs, health checks, metrics.
func (s *sim) chatter() {
	c := s.chance
	in := s.services[c.zipf(len(s.services))].instance(c)
	if c.one(0.25) {
		s.say(&saying{at: s.now, from: in, severity: debug, message: "health check ok", logger: in.service.name + ".health",
			fields: []field{{"url.path", "/healthz"}, {"http.response.status_code", 200}}})
	} else {
		s.surprise(in, s.now, [16]byte{}, [8]byte{})
	}
	s.at(s.now+c.wait(time.Duration(float64(time.Second)/((1-traceShare)*s.profile.Rate))), s.chatter)
}

// Bursts: how long, and how much busier. meanBurst is the mean over time, which busy takes out again.
const (
	burstLength = 4 * time.Second
	burstFactor = 4
)

func (s *sim) beginBurst() {
	s.burst = burstFactor
	length := s.chance.around(burstLength, 1.5)
	s.at(s.now+length, func() { s.burst = 1 })
	s.at(s.now+length+s.chance.wait(s.profile.Bursts), s.beginBurst)
}

// busy is the time of day and the bursts; its mean is about 1.
func (s *sim) busy() float64 {
	t := s.profile.Start.Add(s.now)
	day := float64(t.Hour()*3600+t.Minute()*60+t.Second()) / 86400
	b := 1 + s.profile.Diurnal*math.Sin(2*math.Pi*(day-0.29)) // fewest at night, most in the early afternoon
	if s.profile.Bursts > 0 {
		b /= 1 + (burstFactor-1)*float64(burstLength)/float64(burstLength+s.profile.Bursts)
	}
	return max(b, 0.02) * s.burst
}

// replaceOne restarts an instance somewhere.
func (s *sim) replaceOne() {
	service := pick(s.chance, s.services)
	s.restart(service, s.chance.IntN(len(service.instances)), s.now, nil)
	s.at(s.now+s.chance.wait(s.profile.Churn/time.Duration(len(s.services))), s.replaceOne)
}

// event is something that happens at a time; order settles ties.
type event struct {
	at      time.Duration
	order   uint64
	arrival bool // a request arrives
	do      func()
}

type eventHeap []*event

func (h eventHeap) Len() int { return len(h) }
func (h eventHeap) Less(i, j int) bool {
	return h[i].at < h[j].at || h[i].at == h[j].at && h[i].order < h[j].order
}
func (h eventHeap) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h *eventHeap) Push(x any)   { *h = append(*h, x.(*event)) }
func (h *eventHeap) Pop() any {
	old := *h
	last := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	return last
}
