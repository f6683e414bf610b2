package source

import (
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/valyala/fastjson"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/instantdevlogs/devlogs/replay/canon"
)

// readStream reads the resource and the scope of one of the query API's JSON records.
func readStream(v *fastjson.Value, r *canon.Record) error {
	r.Scope.SetName(string(v.GetStringBytes("scope", "name")))
	r.Scope.SetVersion(string(v.GetStringBytes("scope", "version")))
	return errors.Join(
		readMap(v.Get("resource"), r.Resource.Attributes()),
		readMap(v.Get("scope", "attributes"), r.Scope.Attributes()),
	)
}

// readRecord reads the rest, over what the record held.
func readRecord(v *fastjson.Value, r *canon.Record) error {
	log := r.Log
	var errs []error
	number := func(name string, bits int) uint64 {
		f := v.Get(name)
		if f == nil {
			return 0
		}
		n, err := strconv.ParseUint(strings.Trim(f.String(), `"`), 10, bits)
		errs = append(errs, err)
		return n
	}
	log.SetTimestamp(pcommon.Timestamp(number("time_unix_nano", 64)))
	if v.Get("time_source") != nil {
		log.SetTimestamp(0) // the record had no time of its own
	}
	log.SetObservedTimestamp(pcommon.Timestamp(number("observed_time_unix_nano", 64)))
	log.SetFlags(plog.LogRecordFlags(number("flags", 32)))
	log.SetDroppedAttributesCount(uint32(number("dropped_attributes_count", 32)))
	log.SetSeverityNumber(plog.SeverityNumber(v.GetInt("severity_number")))
	log.SetSeverityText(string(v.GetStringBytes("severity_text")))
	log.SetEventName(string(v.GetStringBytes("event_name")))
	var trace pcommon.TraceID
	var span pcommon.SpanID
	errs = append(errs, readID(v, "trace_id", trace[:]), readID(v, "span_id", span[:]))
	log.SetTraceID(trace)
	log.SetSpanID(span)
	pcommon.NewValueEmpty().CopyTo(log.Body())
	errs = append(errs, readValue(v.Get("body"), log.Body()), readMap(v.Get("attributes"), log.Attributes()))
	return errors.Join(errs...)
}

func readID(v *fastjson.Value, name string, id []byte) error {
	text := v.GetStringBytes(name)
	if len(text) == 0 {
		return nil
	}
	if len(text) != 2*len(id) {
		return fmt.Errorf("%s: %q has not %d hex digits", name, text, 2*len(id))
	}
	_, err := hex.Decode(id, text)
	return err
}

func readMap(v *fastjson.Value, m pcommon.Map) error {
	m.Clear()
	if v == nil {
		return nil
	}
	object, err := v.Object()
	if err != nil {
		return err
	}
	m.EnsureCapacity(object.Len())
	object.Visit(func(key []byte, item *fastjson.Value) {
		if err == nil {
			err = readValue(item, m.PutEmpty(string(key)))
		}
	})
	return err
}

// readValue reads JSON whose numbers are ints unless they have a point or an exponent. dst must be empty.
func readValue(v *fastjson.Value, dst pcommon.Value) error {
	if v == nil {
		return nil
	}
	switch v.Type() {
	case fastjson.TypeString:
		dst.SetStr(string(v.GetStringBytes()))
	case fastjson.TypeTrue, fastjson.TypeFalse:
		dst.SetBool(v.Type() == fastjson.TypeTrue)
	case fastjson.TypeNumber:
		return readNumber(v.String(), dst)
	case fastjson.TypeObject:
		return readMap(v, dst.SetEmptyMap())
	case fastjson.TypeArray:
		items := dst.SetEmptySlice()
		for _, item := range v.GetArray() {
			if err := readValue(item, items.AppendEmpty()); err != nil {
				return err
			}
		}
	}
	return nil
}

func readNumber(text string, dst pcommon.Value) error {
	if strings.ContainsAny(text, ".eE") {
		f, err := strconv.ParseFloat(text, 64)
		dst.SetDouble(f)
		return err
	}
	n, err := strconv.ParseInt(text, 10, 64)
	dst.SetInt(n)
	return err
}
