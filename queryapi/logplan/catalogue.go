package logplan

import (
	"context"
	"slices"
	"strings"

	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/instantdevlogs/devlogs/logql/pipeline"
	"github.com/instantdevlogs/devlogs/storage"
)

// catalogue is what is known of a range of time without reading records.
type catalogue struct {
	streams []catalogued
	fields  map[string][]attribute // record attributes by label
}

type catalogued struct {
	id     uint64
	labels *streamLabels
}

// attribute is a record attribute with all the types that were seen of it.
type attribute struct {
	ref   storage.FieldRef
	types typeSet
}

// typeSet is a set of storage.FieldType.
type typeSet uint16

func (t typeSet) only(types ...storage.FieldType) bool {
	for _, one := range types {
		t &^= 1 << one
	}
	return t == 0
}

func loadCatalogue(ctx context.Context, store Store, start, end pcommon.Timestamp) (*catalogue, error) {
	c := &catalogue{fields: map[string][]attribute{}}
	for s, err := range store.Streams(ctx, start, end) {
		if err != nil {
			return nil, err
		}
		labels, err := newStreamLabels(&s)
		if err != nil {
			return nil, err
		}
		c.streams = append(c.streams, catalogued{s.ID, labels})
	}
	fields, err := store.Fields(ctx, "")
	if err != nil {
		return nil, err
	}
	for _, f := range fields {
		c.addField(f)
	}
	return c, nil
}

var pointerUnescaper = strings.NewReplacer("~1", "/", "~0", "~")

func (c *catalogue) addField(f storage.Field) {
	path := strings.Split(strings.TrimPrefix(f.Path, "/"), "/")
	for i, token := range path {
		path[i] = pointerUnescaper.Replace(token)
	}
	label := LabelName(strings.Join(path, "."))
	known := c.fields[label]
	for i := range known {
		if slices.Equal(known[i].ref.Path, path) {
			known[i].types |= 1 << f.Type
			return
		}
	}
	c.fields[label] = append(known, attribute{storage.FieldRef{Kind: storage.FieldAttribute, Path: path}, 1 << f.Type})
}

// name is what a name in a query stands for. A record's value is its stream's, where the stream has the name; else the
// first that is there of a column and an attribute.
type name struct {
	level     bool
	values    map[uint64]string // of the streams that have it as label of the resource or the scope
	column    *recordField
	attribute *attribute
	known     bool // a store can tell the value; else only a record's labels do
}

// resolve finds what a name stands for.
func (c *catalogue) resolve(label string) name {
	n := name{known: !strings.HasSuffix(label, "_extracted") && label != pipeline.ErrorLabel && label != pipeline.ErrorDetailsLabel}
	for _, s := range c.streams {
		if value, ok := s.labels.value(label); ok {
			if n.values == nil {
				n.values = map[uint64]string{}
			}
			n.values[s.id] = value
		}
	}
	if label == nameDetectedLevel {
		n.level = true
		return n
	}
	if column, ok := recordFields[label]; ok {
		n.column = &column
	}
	var holders []attribute
	for _, a := range c.fields[label] {
		if !a.types.only(storage.TypeMap) {
			holders = append(holders, a)
		}
	}
	switch len(holders) {
	case 0:
	case 1:
		n.attribute = &holders[0]
	default:
		n.known = false
	}
	return n
}

// split divides the streams into those whose value is chosen, those with another value, and those without the name.
func (c *catalogue) split(n name, chosen func(value string) bool) (matched, lacking []uint64) {
	for _, s := range c.streams {
		switch value, has := n.values[s.id]; {
		case !has:
			lacking = append(lacking, s.id)
		case chosen(value):
			matched = append(matched, s.id)
		}
	}
	return matched, lacking
}
