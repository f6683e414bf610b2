package gen

import (
	"math"
	"strings"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
)

// spoil makes a record hard on parsers, in one of the ways that real logs do. Everything is still OTLP.
func spoil(c chance, r plog.LogRecord) { nasties[c.IntN(len(nasties))](c, r) }

var nasties = []func(c chance, r plog.LogRecord){
	func(c chance, r plog.LogRecord) {
		r.Body().SetStr("注文 " + c.hex(6) + " を受け付けました。在庫確認中…")
	},
	func(c chance, r plog.LogRecord) {
		r.Body().SetStr("تم رفض الدفع \u202eabc\u202c رقم " + c.hex(4))
	},
	func(c chance, r plog.LogRecord) {
		r.Body().SetStr("deploy 🚀👩‍👩‍👧‍👦 done e\u0301\u0327\u0323 " + c.hex(4))
	},
	func(c chance, r plog.LogRecord) {
		r.Attributes().PutEmptyBytes("payload.raw").FromRaw([]byte{0xff, 0xfe, 0x00, byte(c.IntN(256)), 0xc3, 0x28})
	},
	func(c chance, r plog.LogRecord) { r.Body().SetStr("frame \x00 with NUL " + c.hex(4)) },
	func(c chance, r plog.LogRecord) {
		r.Body().SetStr("\x1b[31mERROR\x1b[0m \x1b[1mcolour\x1b[0m " + c.hex(4))
	},
	func(c chance, r plog.LogRecord) { r.Body().SetStr("line one\r\nline two\r\n\tindented\r\n") },
	func(c chance, r plog.LogRecord) {
		r.Body().SetStr(`event={"a":{"b":"{\"c\":\"\\\"deep\\\"\"}"},"n":` + c.hex(1) + `}`)
	},
	func(c chance, r plog.LogRecord) { r.Body().SetStr("") },
	func(c chance, r plog.LogRecord) { pcommon.NewValueEmpty().CopyTo(r.Body()) },
	func(c chance, r plog.LogRecord) { r.SetTimestamp(0) },
	func(c chance, r plog.LogRecord) { r.SetTimestamp(r.Timestamp() + 86_400_000_000_000) },
	func(c chance, r plog.LogRecord) { r.SetTimestamp(r.Timestamp() - 30*86_400_000_000_000) },
	func(c chance, r plog.LogRecord) { r.SetTimestamp(r.Timestamp() / 1_000_000_000 * 1_000_000_000) },
	func(c chance, r plog.LogRecord) {
		r.SetTimestamp(r.Timestamp() - pcommon.Timestamp(c.IntN(20_000_000_000)))
	},
	func(c chance, r plog.LogRecord) {
		v := r.Attributes().PutEmpty("deep")
		for range 40 {
			v = v.SetEmptyMap().PutEmpty("d")
		}
		v.SetStr("bottom")
	},
	func(c chance, r plog.LogRecord) {
		for i := range 200 {
			r.Attributes().PutStr("attribute."+c.hex(4)+string(rune('a'+i%26)), c.hex(8))
		}
	},
	func(c chance, r plog.LogRecord) {
		r.Attributes().PutInt("int.max", math.MaxInt64)
		r.Attributes().PutInt("int.min", math.MinInt64)
	},
	func(c chance, r plog.LogRecord) {
		r.Attributes().PutDouble("nan", math.NaN())
		r.Attributes().PutDouble("inf", math.Inf(-1))
		r.Attributes().PutDouble("tiny", 5e-324)
	},
	func(c chance, r plog.LogRecord) {
		s := r.Attributes().PutEmptySlice("mixed")
		s.AppendEmpty().SetInt(1)
		s.AppendEmpty().SetStr("1")
		s.AppendEmpty()
		s.AppendEmpty().SetBool(true)
	},
	func(c chance, r plog.LogRecord) {
		r.Body().SetStr("login of jane.doe+" + c.hex(4) + "@example.com with Authorization: Bearer eyJhbGciOiJIUzI1NiJ9." + c.hex(40) +
			" card 4111 1111 1111 1111 from 203.0.113." + string(rune('1'+c.IntN(9))))
	},
	func(c chance, r plog.LogRecord) {
		r.Attributes().PutStr("db.password", "hunter2-"+c.hex(4))
		r.Attributes().PutStr("aws.access_key_id", "AKIA"+strings.ToUpper(c.hex(16)))
	},
	func(c chance, r plog.LogRecord) { r.Attributes().PutStr("", "empty key") },
	func(c chance, r plog.LogRecord) { r.SetSeverityNumber(0); r.SetSeverityText("verbose") },
	func(c chance, r plog.LogRecord) { large(c, r, 2000, 8000) },
	func(c chance, r plog.LogRecord) { large(c, r, 4000, 64_000) },
	func(c chance, r plog.LogRecord) {
		if c.one(0.02) {
			large(c, r, 64_000, 1_000_000)
		}
	},
}

// large appends a dump of a payload, as debug logging does.
func large(c chance, r plog.LogRecord, from, to int) {
	size := int(float64(from) * math.Pow(float64(to)/float64(from), c.Float64()))
	var b strings.Builder
	b.WriteString("response body: [")
	for b.Len() < size {
		b.WriteString(`{"id":` + slot("id", c) + `,"sku":"` + c.hex(8) + `","state":"` + pick(c, flags) + `","price":` + slot("count", c) + `},`)
	}
	b.WriteString("{}]")
	r.Body().SetStr(b.String())
}
