package diff

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/instantdevlogs/devlogs/replay/canon"
	"github.com/instantdevlogs/devlogs/replay/ledger"
)

// goldenRun is the run in the uids of goldens, so that they don't change when a golden is made anew.
var goldenRun = ledger.Run(strings.Repeat("0", 15))

// WriteGolden makes a golden of a run: a stock OTLP JSON file with one record a line, attributes and lines in a fixed
// order. What is masked is written so that it does not differ from one run to the next: dropped values are left out, others
// have a stand-in, times are counted from the run's start. It says how many records it wrote. All of them are held in
// memory.
func WriteGolden(ctx context.Context, file string, in Input, masks *Masks) (n int, err error) {
	if masks == nil {
		masks = newMasks(nil)
	}
	start, err := in.start(ctx, masks)
	if err != nil {
		return 0, err
	}
	g := &goldenWriter{masks: masks, start: start}
	for r, err := range in.Records(ctx) {
		if err != nil {
			return 0, fmt.Errorf("read %s: %w", in.Name, err)
		}
		if err := g.add(r); err != nil {
			return 0, err
		}
	}
	if len(g.lines) == 0 {
		return 0, fmt.Errorf("there is no record of the run in %s: a golden of nothing would pass a pipeline that delivers nothing", in.Name)
	}
	slices.SortStableFunc(g.lines, func(a, b goldenLine) int {
		return cmp.Or(bytes.Compare(a.stream, b.stream), cmp.Compare(a.uid, b.uid), bytes.Compare(a.text, b.text))
	})
	return len(g.lines), g.write(file)
}

type goldenWriter struct {
	masks *Masks
	start uint64
	lines []goldenLine
}

type goldenLine struct {
	stream []byte
	uid    uint64
	text   []byte
}

func (g *goldenWriter) add(r *canon.Record) error {
	logs := plog.NewLogs()
	rl := logs.ResourceLogs().AppendEmpty()
	sl := rl.ScopeLogs().AppendEmpty()
	log := sl.LogRecords().AppendEmpty()
	g.attributes("resource.", r.Resource.Attributes(), rl.Resource().Attributes())
	rl.Resource().SetDroppedAttributesCount(r.Resource.DroppedAttributesCount())
	rl.SetSchemaUrl(r.ResourceSchema)
	g.attributes("scope.attributes.", r.Scope.Attributes(), sl.Scope().Attributes())
	sl.Scope().SetName(g.text("scope.name", r.Scope.Name()))
	sl.Scope().SetVersion(g.text("scope.version", r.Scope.Version()))
	sl.Scope().SetDroppedAttributesCount(r.Scope.DroppedAttributesCount())
	sl.SetSchemaUrl(r.ScopeSchema)
	stream, err := (&plog.JSONMarshaler{}).MarshalLogs(logs)
	if err != nil {
		return err
	}
	r.Log.CopyTo(log)
	log.Attributes().Clear()
	g.attributes("attributes.", r.Log.Attributes(), log.Attributes())
	g.record(r, log)
	text, err := (&plog.JSONMarshaler{}).MarshalLogs(logs)
	if err != nil {
		return fmt.Errorf("write a record of the golden: %w", err)
	}
	g.lines = append(g.lines, goldenLine{stream: stream, uid: uidOf(r), text: text})
	return nil
}

// record masks what is not an attribute.
func (g *goldenWriter) record(r *canon.Record, log plog.LogRecord) {
	log.SetTimestamp(g.time("time", log.Timestamp()))
	log.SetObservedTimestamp(g.time("observed_time", log.ObservedTimestamp()))
	log.SetSeverityText(g.text("severity_text", log.SeverityText()))
	log.SetEventName(g.text("event_name", log.EventName()))
	if m := g.masks.find([]byte("trace_id")); m != nil && !log.TraceID().IsEmpty() {
		log.SetTraceID(pcommon.TraceID{})
		if m.Matcher != Drop {
			log.SetTraceID(pcommon.TraceID([]byte(strings.Repeat("\xff", 16))))
		}
	}
	if m := g.masks.find([]byte("span_id")); m != nil && !log.SpanID().IsEmpty() {
		log.SetSpanID(pcommon.SpanID{})
		if m.Matcher != Drop {
			log.SetSpanID(pcommon.SpanID([]byte(strings.Repeat("\xff", 8))))
		}
	}
	body := pcommon.NewValueEmpty()
	g.value([]byte("body"), r.Log.Body(), body)
	body.CopyTo(log.Body())
	if uid, err := ledger.ParseUID(r.Text(ledger.UIDAttribute)); err == nil {
		uid.Run = goldenRun
		log.Attributes().PutStr(ledger.UIDAttribute, uid.String())
	}
}

func (g *goldenWriter) attributes(prefix string, from, to pcommon.Map) {
	for _, key := range sortedKeys(from) {
		value, _ := from.Get(key)
		if v := pcommon.NewValueEmpty(); g.value([]byte(prefix+key), value, v) {
			v.CopyTo(to.PutEmpty(key))
		}
	}
}

func sortedKeys(m pcommon.Map) []string {
	keys := make([]string, 0, m.Len())
	for key := range m.All() {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return slices.Compact(keys)
}

// value copies a value that lies at path, masked; false when the mask drops it.
func (g *goldenWriter) value(path []byte, from, to pcommon.Value) bool {
	if m := g.masks.find(path); m != nil {
		return m.standIn(from, to)
	}
	switch from.Type() {
	case pcommon.ValueTypeMap:
		items := to.SetEmptyMap()
		for _, key := range sortedKeys(from.Map()) {
			value, _ := from.Map().Get(key)
			if v := pcommon.NewValueEmpty(); g.value(append(append(path[:len(path):len(path)], '.'), key...), value, v) {
				v.CopyTo(items.PutEmpty(key))
			}
		}
	case pcommon.ValueTypeSlice:
		items := to.SetEmptySlice()
		for i, value := range from.Slice().All() {
			g.value(append(strconv.AppendInt(append(path[:len(path):len(path)], '['), int64(i), 10), ']'), value, items.AppendEmpty())
		}
	default:
		from.CopyTo(to)
	}
	return true
}

// standIn writes what a golden has for a masked value.
func (m *Mask) standIn(from, to pcommon.Value) bool {
	switch m.Matcher {
	case Drop:
		return false
	case Number, TimeRelative:
		from.CopyTo(to)
	case Type:
		switch from.Type() {
		case pcommon.ValueTypeStr:
			to.SetStr("")
		case pcommon.ValueTypeInt:
			to.SetInt(0)
		case pcommon.ValueTypeDouble:
			to.SetDouble(0)
		case pcommon.ValueTypeBool:
			to.SetBool(false)
		case pcommon.ValueTypeBytes:
			to.SetEmptyBytes()
		default:
			from.CopyTo(to)
		}
	default:
		l := canon.Leaf{Kind: canon.String, Value: []byte(from.AsString())}
		if m.Matcher == Present || m.matches(&l) {
			to.SetStr(placeholder[m.Matcher])
		} else {
			from.CopyTo(to)
		}
	}
	return true
}

func (g *goldenWriter) text(path, s string) string {
	m := g.masks.find([]byte(path))
	if m == nil || s == "" {
		return s
	}
	to := pcommon.NewValueEmpty()
	m.standIn(pcommon.NewValueStr(s), to)
	return to.AsString()
}

func (g *goldenWriter) time(path string, t pcommon.Timestamp) pcommon.Timestamp {
	m := g.masks.find([]byte(path))
	switch {
	case m == nil || t == 0:
		return t
	case m.Matcher == Drop:
		return 0
	case m.Matcher != TimeRelative:
		return 1 // it is there
	}
	offset := relative(uint64(t), g.start)
	if step := int64(m.within); step > 0 { // finer than the tolerance it would change with every run
		offset = (offset + step/2) / step * step
	}
	return pcommon.Timestamp(max(offset, 1))
}

// write puts the lines in place of the old file at once.
func (g *goldenWriter) write(file string) (err error) {
	f, err := os.CreateTemp(filepath.Dir(file), filepath.Base(file)+".*")
	if err != nil {
		return fmt.Errorf("write the golden: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("write the golden: %w", err), os.Remove(f.Name()))
		}
	}()
	out := bufio.NewWriterSize(f, 1<<20)
	for _, line := range g.lines {
		out.Write(line.text) // a bufio.Writer keeps its first error
		out.WriteByte('\n')
	}
	if err := errors.Join(out.Flush(), f.Chmod(0o644), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), file)
}
