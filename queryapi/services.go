package queryapi

import (
	"cmp"
	"context"
	"slices"

	"go.opentelemetry.io/collector/pdata/pcommon"
)

// serviceInfo is a service that sends logs. First and last bound the times of its logs; they may be up to ten minutes wider.
type serviceInfo struct {
	Name    string `json:"name"` // "" for logs without service.name
	Streams int    `json:"streams"`
	First   string `json:"first"`
	Last    string `json:"last"`

	first, last pcommon.Timestamp
}

type servicesAnswer struct {
	Services []*serviceInfo `json:"services"`
}

// services answers GET /api/v1/services: who has logs in the time range. It reads the catalogue of streams, not the logs.
func (s *server) services(ctx context.Context, source *Source, p *params) (any, error) {
	r := p.timeRange(defaultSince)
	if err := p.err(); err != nil {
		return nil, err
	}
	known := map[string]*serviceInfo{}
	answer := &servicesAnswer{Services: []*serviceInfo{}}
	for stream, err := range source.Streams(ctx, r.Start, r.End) {
		if err != nil {
			return nil, err
		}
		service := known[stream.Service]
		if service == nil {
			service = &serviceInfo{Name: stream.Service, first: stream.First, last: stream.Last}
			known[stream.Service] = service
			answer.Services = append(answer.Services, service)
		}
		service.Streams++
		service.first, service.last = min(service.first, stream.First), max(service.last, stream.Last)
	}
	for _, service := range answer.Services {
		service.First, service.Last = formatTime(service.first), formatTime(service.last)
	}
	slices.SortFunc(answer.Services, func(a, b *serviceInfo) int { return cmp.Compare(a.Name, b.Name) })
	return answer, nil
}
