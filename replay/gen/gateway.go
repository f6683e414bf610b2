package gen

import (
	"time"

	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/instantdevlogs/devlogs/replay/recording"
)

// gateway is the collector that instances send to: it gathers records and sends them on in requests.
type gateway struct {
	sim     *sim
	logs    plog.Logs
	records map[streamKey]plog.LogRecordSlice // into logs
	count   int
	timer   uint64        // of the batch that is being gathered
	last    time.Duration // arrival of the request before
}

// streamKey is a resource and a scope.
type streamKey struct {
	instance *instance
	version  string
	logger   string
}

func newGateway(s *sim) *gateway {
	return &gateway{sim: s, logs: plog.NewLogs(), records: map[streamKey]plog.LogRecordSlice{}}
}

func (g *gateway) take(y *saying) {
	s := g.sim
	if s.said >= s.profile.Records {
		return
	}
	s.said++
	if g.count == 0 {
		g.timer++
		timer := g.timer
		s.at(s.now+s.profile.Timeout, func() {
			if g.timer == timer {
				g.send()
			}
		})
	}
	r := g.slice(y).AppendEmpty()
	observed := s.now + time.Duration(s.chance.between(50, 5000))*time.Microsecond
	y.record(r, s.profile.Start, observed)
	s.extras(r)
	if s.chance.one(s.profile.Nasty) {
		spoil(s.chance, r)
	}
	if y.incident != nil {
		y.incident.Records++
	}
	if g.count++; g.count >= s.profile.Batch {
		g.send()
	}
}

func (g *gateway) slice(y *saying) plog.LogRecordSlice {
	key := streamKey{y.from, y.from.version, y.logger}
	if slice, ok := g.records[key]; ok {
		return slice
	}
	rl := g.logs.ResourceLogs().AppendEmpty()
	a := rl.Resource().Attributes()
	a.PutStr("service.name", y.from.service.name)
	a.PutStr("service.version", y.from.version)
	a.PutStr("service.instance.id", y.from.id)
	a.PutStr("service.namespace", "shop")
	a.PutStr("deployment.environment.name", "production")
	a.PutStr("k8s.pod.name", y.from.pod)
	a.PutStr("host.name", y.from.host)
	a.PutStr("telemetry.sdk.language", string(y.from.service.language))
	sl := rl.ScopeLogs().AppendEmpty()
	sl.Scope().SetName(y.logger)
	g.records[key] = sl.LogRecords()
	return g.records[key]
}

// send hands the batch to whoever called Run, as arriving a little later.
func (g *gateway) send() {
	s := g.sim
	g.timer++
	if g.count == 0 {
		return
	}
	body, err := (&plog.ProtoMarshaler{}).MarshalLogs(g.logs)
	if err != nil {
		s.err = err
		return
	}
	arrival := max(s.now+s.chance.around(2*time.Millisecond, 1.5), g.last+1)
	g.last = arrival
	count := g.count
	at := s.profile.Start.Add(arrival).UnixNano()
	s.arrive(arrival, func() {
		if s.err == nil {
			s.err = s.emit(&recording.Message{Body: body, Records: count, Arrival: at,
				Entry: &recording.Entry{RecvNS: at, Proto: recording.ProtoGenerated, WireBytes: int64(len(body)), Records: count}})
		}
	})
	g.logs, g.count = plog.NewLogs(), 0
	clear(g.records)
}

// extras puts the attributes that the profile asks for.
func (s *sim) extras(r plog.LogRecord) {
	for i, a := range s.profile.Attributes {
		if a.Share > 0 && !s.chance.one(a.Share) {
			continue
		}
		r.Attributes().PutStr(a.Name, s.extra(i, a))
	}
}
