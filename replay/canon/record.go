package canon

import (
	"iter"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
)

// Record is one log record with what it inherits. It is a view: it holds as long as the plog.Logs it came from.
type Record struct {
	Resource       pcommon.Resource
	ResourceSchema string
	Scope          pcommon.InstrumentationScope
	ScopeSchema    string
	Log            plog.LogRecord
}

// Records yields every record of logs in order. The pointer is to the same variable each time.
func Records(logs plog.Logs) iter.Seq[*Record] {
	return func(yield func(*Record) bool) {
		var r Record
		for _, rl := range logs.ResourceLogs().All() {
			r.Resource, r.ResourceSchema = rl.Resource(), rl.SchemaUrl()
			for _, sl := range rl.ScopeLogs().All() {
				r.Scope, r.ScopeSchema = sl.Scope(), sl.SchemaUrl()
				for _, log := range sl.LogRecords().All() {
					r.Log = log
					if !yield(&r) {
						return
					}
				}
			}
		}
	}
}

// New makes an empty record of its own.
func New() *Record {
	rl := plog.NewResourceLogs()
	sl := rl.ScopeLogs().AppendEmpty()
	return &Record{Resource: rl.Resource(), Scope: sl.Scope(), Log: sl.LogRecords().AppendEmpty()}
}

// Clone copies the record, so that it outlives its plog.Logs.
func (r *Record) Clone() *Record {
	c := New()
	c.ResourceSchema, c.ScopeSchema = r.ResourceSchema, r.ScopeSchema
	r.Resource.CopyTo(c.Resource)
	r.Scope.CopyTo(c.Scope)
	r.Log.CopyTo(c.Log)
	return c
}

// Text returns a record attribute that is a string, "" when there is none.
func (r *Record) Text(attribute string) string {
	if v, ok := r.Log.Attributes().Get(attribute); ok && v.Type() == pcommon.ValueTypeStr {
		return v.Str()
	}
	return ""
}
