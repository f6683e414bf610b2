package jsonmap

import (
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
)

// Batch collects records under their resources. The zero value is ready.
type Batch struct {
	logs    plog.Logs
	groups  map[string]plog.LogRecordSlice
	last    plog.LogRecordSlice
	lastKey []byte
	count   int
}

// Len is the number of records.
func (b *Batch) Len() int { return b.count }

// Take returns the records and leaves the batch empty.
func (b *Batch) Take() plog.Logs {
	logs := b.logs
	b.Reset()
	return logs
}

// Reset drops the records.
func (b *Batch) Reset() {
	b.logs, b.last, b.lastKey, b.count = plog.Logs{}, plog.LogRecordSlice{}, b.lastKey[:0], 0
	clear(b.groups)
}

// Add appends the record that m prepared and returns it. A record without a time of its own gets arrival
// as its observed time; one with a time gets no observed time, so that a body sent twice makes the same records twice and
// stores can see that.
func (b *Batch) Add(m *Mapper, arrival pcommon.Timestamp) plog.LogRecord {
	record := b.group(m).AppendEmpty()
	b.count++
	p := &m.record
	if p.Time != 0 {
		record.SetTimestamp(p.Time)
	} else {
		record.SetObservedTimestamp(arrival)
	}
	record.SetSeverityNumber(p.Severity)
	record.SetSeverityText(p.Text)
	record.SetTraceID(p.TraceID)
	record.SetSpanID(p.SpanID)
	record.SetFlags(p.Flags)
	if p.body != 0 {
		m.setValue(record.Body(), p.body)
	} else {
		record.Body().SetStr(p.bodyText)
	}
	record.SetDroppedAttributesCount(m.setAttributes(record.Attributes()))
	return record
}

func (b *Batch) group(m *Mapper) plog.LogRecordSlice {
	key := m.resourceKey()
	if b.count > 0 && string(key) == string(b.lastKey) {
		return b.last
	}
	records, ok := b.groups[string(key)]
	if !ok {
		if b.groups == nil {
			b.groups = map[string]plog.LogRecordSlice{}
		}
		if b.count == 0 {
			b.logs = plog.NewLogs()
		}
		rl := b.logs.ResourceLogs().AppendEmpty()
		m.writeResource(rl.Resource().Attributes())
		records = rl.ScopeLogs().AppendEmpty().LogRecords()
		b.groups[string(key)] = records
	}
	b.last, b.lastKey = records, append(b.lastKey[:0], key...)
	return records
}
