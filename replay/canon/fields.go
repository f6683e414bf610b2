package canon

import (
	"encoding/base64"
	"slices"
	"strconv"
	"strings"
)

// Field is a leaf that stays.
type Field struct {
	Path  string
	Kind  Kind
	Value string
}

// Fields lists a record's leaves, after the projection, ordered by path, kind and value.
func Fields(r *Record, project Projection) []Field {
	var fields []Field
	w := walker{project: project, visit: func(l *Leaf) {
		fields = append(fields, Field{Path: string(l.Path), Kind: l.Kind, Value: string(l.Value)})
	}}
	w.stream(r)
	w.record(r)
	slices.SortFunc(fields, Field.compare)
	return fields
}

func (f Field) compare(o Field) int {
	if c := strings.Compare(f.Path, o.Path); c != 0 {
		return c
	}
	if f.Kind != o.Kind {
		return int(f.Kind) - int(o.Kind)
	}
	return strings.Compare(f.Value, o.Value)
}

// String shows the value as a person would write it, with its quotes when it is text.
func (f Field) String() string {
	switch f.Kind {
	case String:
		return strconv.Quote(f.Value)
	case Bytes:
		return "bytes " + base64.StdEncoding.EncodeToString([]byte(f.Value))
	case Null:
		return "null"
	case Map:
		return "{}"
	case Array:
		return "[]"
	default:
		return f.Value
	}
}

// Change is a difference at one path.
type Change struct {
	Path     string
	Was, Now *Field // nil: not there
}

// Compare lists where two lists of Fields differ, ordered by path.
func Compare(was, now []Field) []Change {
	var changes []Change
	i, j := 0, 0
	for i < len(was) || j < len(now) {
		switch {
		case i < len(was) && j < len(now) && was[i] == now[j]:
			i++
			j++
		case j == len(now) || i < len(was) && was[i].Path < now[j].Path:
			changes = append(changes, Change{Path: was[i].Path, Was: &was[i]})
			i++
		case i == len(was) || now[j].Path < was[i].Path:
			changes = append(changes, Change{Path: now[j].Path, Now: &now[j]})
			j++
		default:
			changes = append(changes, Change{Path: was[i].Path, Was: &was[i], Now: &now[j]})
			i++
			j++
		}
	}
	return changes
}

// Class says what kind of change it is, in the words of a report: "int → string", "removed", "added", "changed".
func (c Change) Class() string {
	switch {
	case c.Now == nil:
		return "removed"
	case c.Was == nil:
		return "added"
	case c.Was.Kind != c.Now.Kind:
		return c.Was.Kind.String() + " → " + c.Now.Kind.String()
	default:
		return "changed"
	}
}
