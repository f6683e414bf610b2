package jsonmap

import (
	"maps"
	"slices"
	"strings"
)

// role is what a member of an object means for the record.
type role uint8

const (
	attribute role = iota
	timestamp
	severity
	message
	traceID
	spanID
	traceFlags
	service
	resource
	ignored
	roles // how many there are
)

// rule is what is known about one name.
type rule struct {
	role   role
	rank   uint8            // lower is tried first
	name   string           // as written in the lists, with dots
	target string           // the resource attribute that a resource role sets
	inner  map[string]*rule // rules for the members of a nested object
}

// Rules are compiled Fields: what Mappers look names up in. They are immutable.
type Rules struct {
	names    map[string]*rule
	prefixes []rule // name is the prefix
	extra    []Pair
	strict   [roles]bool // the list of this role was given by the user: a value that can't be read is an error
	merged   Fields
}

// Pair is a name and its value.
type Pair struct{ Key, Value string }

var plain = &rule{role: attribute}

// Compile merges the fields over the defaults: a list that is set replaces the default one; Resource, Keep, Ignore and
// Extra add to the defaults.
func Compile(fields Fields) *Rules {
	return compile(fields, DefaultFields(), [roles]bool{})
}

// Override compiles the fields over those of r, as Compile does over the defaults.
func (r *Rules) Override(fields Fields) *Rules {
	return compile(fields, r.merged, r.strict)
}

func compile(fields, defaults Fields, strict [roles]bool) *Rules {
	r := &Rules{names: map[string]*rule{}, merged: defaults, strict: strict}
	for name, target := range resourceNames {
		r.add(name, rule{role: resource, target: target})
	}
	for _, prefix := range resourcePrefixes {
		r.prefixes = append(r.prefixes, rule{role: resource, name: prefix})
	}
	for _, list := range []struct {
		role          role
		set, defaults []string
		merged        *[]string
	}{
		{service, fields.Service, defaults.Service, &r.merged.Service},
		{traceFlags, fields.TraceFlags, defaults.TraceFlags, &r.merged.TraceFlags},
		{spanID, fields.SpanID, defaults.SpanID, &r.merged.SpanID},
		{traceID, fields.TraceID, defaults.TraceID, &r.merged.TraceID},
		{message, fields.Message, defaults.Message, &r.merged.Message},
		{severity, fields.Severity, defaults.Severity, &r.merged.Severity},
		{timestamp, fields.Time, defaults.Time, &r.merged.Time},
	} {
		names := list.defaults
		if len(list.set) > 0 {
			names, *list.merged = list.set, list.set
			r.strict[list.role] = true
		}
		for rank, name := range slices.Backward(names) {
			r.add(name, rule{role: list.role, rank: uint8(min(rank, 255)), target: "service.name"})
		}
	}
	r.merged.Resource = slices.Concat(defaults.Resource, fields.Resource)
	r.merged.Keep = slices.Concat(defaults.Keep, fields.Keep)
	r.merged.Ignore = slices.Concat(defaults.Ignore, fields.Ignore)
	r.merged.Extra = maps.Clone(defaults.Extra)
	if r.merged.Extra == nil {
		r.merged.Extra = map[string]string{}
	}
	maps.Copy(r.merged.Extra, fields.Extra)
	r.addPatterns(r.merged.Resource, resource)
	r.addPatterns(r.merged.Keep, attribute)
	r.addPatterns(r.merged.Ignore, ignored)
	for _, key := range slices.Sorted(maps.Keys(r.merged.Extra)) {
		r.extra = append(r.extra, Pair{key, r.merged.Extra[key]})
	}
	return r
}

func (r *Rules) addPatterns(names []string, role role) {
	for _, name := range names {
		if prefix, ok := strings.CutSuffix(name, "*"); ok {
			r.prefixes = slices.Insert(r.prefixes, 0, rule{role: role, name: prefix})
			for known, rule := range r.names {
				if strings.HasPrefix(known, prefix) {
					rule.role, rule.target = role, known
				}
			}
			continue
		}
		r.add(name, rule{role: role, target: name})
	}
}

// add registers a name as it is and, when it has dots, as a path into nested objects.
func (r *Rules) add(name string, new rule) {
	new.name = name
	put(r.names, name, new)
	parts := strings.Split(name, ".")
	if len(parts) == 1 || slices.Contains(parts, "") {
		return
	}
	at := r.names
	for _, part := range parts[:len(parts)-1] {
		if at[part] == nil {
			at[part] = &rule{role: attribute, name: part}
		}
		if at[part].inner == nil {
			at[part].inner = map[string]*rule{}
		}
		at = at[part].inner
	}
	put(at, parts[len(parts)-1], new)
}

func put(at map[string]*rule, name string, new rule) {
	if old := at[name]; old != nil {
		new.inner = old.inner
	}
	at[name] = &new
}

// lookup finds the rule of a member of the outermost object.
func (r *Rules) lookup(name string) *rule {
	if found := r.names[name]; found != nil {
		return found
	}
	for _, p := range r.prefixes {
		if strings.HasPrefix(name, p.name) {
			p.target = strings.Clone(name)
			p.name = p.target
			return &p
		}
	}
	return plain
}
