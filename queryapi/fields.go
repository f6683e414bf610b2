package queryapi

import (
	"cmp"
	"context"
	"maps"
	"slices"

	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/instantdevlogs/devlogs/queryapi/logplan"
	"github.com/instantdevlogs/devlogs/storage"
)

// Where a field is.
const (
	inRecord     = "record"
	inAttributes = "attributes"
	inResource   = "resource"
	inScope      = "scope"
)

// fieldInfo describes a field that logs have.
type fieldInfo struct {
	Name     string   `json:"name"` // as queries call it
	Key      string   `json:"key"`  // as the logs call it
	In       string   `json:"in"`
	Types    []string `json:"types,omitempty"`
	Services []string `json:"services,omitempty"` // whose logs have it
}

type fieldsAnswer struct {
	Fields []fieldInfo `json:"fields"`
}

// fields answers GET /api/v1/fields: what the logs can be filtered and grouped by. It reads the catalogues of streams and
// attributes, not the logs: resource and scope attributes are those of the time range, record attributes those of all time.
func (s *server) fields(ctx context.Context, source *Source, p *params) (any, error) {
	services := p.texts("service")
	r := p.timeRange(defaultSince)
	if err := p.err(); err != nil {
		return nil, err
	}
	list := fieldList{}
	for _, name := range append([]string{nameLevel, nameService, nameScopeName, nameScopeVersion}, slices.Sorted(maps.Keys(recordNames))...) {
		list.add(name, name, inRecord, "", "")
	}
	for stream, err := range source.Streams(ctx, r.Start, r.End) {
		if err != nil {
			return nil, err
		}
		if len(services) > 0 && !slices.Contains(services, stream.Service) {
			continue
		}
		for in, typed := range map[string]string{inResource: stream.Resource, inScope: stream.Scope} {
			err := eachAttribute(typed, func(key string, v pcommon.Value) {
				list.add(logplan.LabelName(key), key, in, typeOf(v), stream.Service)
			})
			if err != nil {
				return nil, err
			}
		}
	}
	known, err := source.Fields(ctx, "")
	if err != nil {
		return nil, err
	}
	for _, f := range known {
		if f.Type != storage.TypeMap && (len(services) == 0 || slices.Contains(services, f.Service)) {
			list.add(logplan.LabelName(f.Name), f.Name, inAttributes, f.Type.String(), f.Service)
		}
	}
	return &fieldsAnswer{list.sorted()}, nil
}

// typeOf is the type of a value by the names that the catalogue of record attributes uses.
func typeOf(v pcommon.Value) string {
	switch v.Type() {
	case pcommon.ValueTypeStr:
		return storage.TypeString.String()
	case pcommon.ValueTypeBool:
		return storage.TypeBool.String()
	case pcommon.ValueTypeInt:
		return storage.TypeInt.String()
	case pcommon.ValueTypeDouble:
		return storage.TypeDouble.String()
	case pcommon.ValueTypeBytes:
		return storage.TypeBytes.String()
	case pcommon.ValueTypeSlice:
		return storage.TypeArray.String()
	default:
		return storage.TypeNull.String()
	}
}

type fieldKey struct{ key, in string }

// fieldList gathers fields with all their types and services.
type fieldList map[fieldKey]*fieldInfo

func (l fieldList) add(name, key, in, kind, service string) {
	info := l[fieldKey{key, in}]
	if info == nil {
		info = &fieldInfo{Name: name, Key: key, In: in}
		l[fieldKey{key, in}] = info
	}
	insert := func(list []string, s string) []string {
		if at, found := slices.BinarySearch(list, s); s != "" && !found {
			return slices.Insert(list, at, s)
		}
		return list
	}
	info.Types = insert(info.Types, kind)
	info.Services = insert(info.Services, service)
}

func (l fieldList) sorted() []fieldInfo {
	fields := make([]fieldInfo, 0, len(l))
	for _, info := range l {
		fields = append(fields, *info)
	}
	slices.SortFunc(fields, func(a, b fieldInfo) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Key, b.Key), cmp.Compare(a.In, b.In))
	})
	return fields
}

type fieldValuesAnswer struct {
	Field  string       `json:"field"`
	Values []valueCount `json:"values"`
}

const (
	defaultValues = 100
	maxValues     = 10_000
)

// fieldValues answers GET /api/v1/fields/{name}/values: the most frequent values with their counts.
func (s *server) fieldValues(ctx context.Context, source *Source, p *params) (any, error) {
	name := p.request.PathValue("name")
	f := p.queried()
	limit := p.count("limit", defaultValues, maxValues)
	if err := p.err(); err != nil {
		return nil, err
	}
	query, err := f.query(ctx, source)
	if err != nil {
		return nil, err
	}
	query, plan, err := s.narrow(ctx, source, &f, query)
	if err != nil {
		return nil, err
	}
	if plan != nil {
		tables, err := countLabels(plan.Entries(ctx), []string{labelOf(name)}, s.limits.MaxGroups)
		if err != nil {
			return nil, err
		}
		return &fieldValuesAnswer{Field: name, Values: mostFrequent(tables[0], limit)}, nil
	}
	resolved, err := source.Resolve(ctx, f.timeRange, name)
	if err != nil {
		return nil, err
	}
	count := &counter{source: source, query: query, maxGroups: s.limits.MaxGroups}
	values, err := count.values(ctx, resolved, limit+1)
	if err != nil {
		return nil, err
	}
	return &fieldValuesAnswer{Field: name, Values: shown(values, limit)}, nil
}
