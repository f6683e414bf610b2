package jsonlogreceiver

import "github.com/instantdevlogs/devlogs/receiver/jsonlogreceiver/internal/jsontape"

// verdict is the account of one request. Every record of the body that was read is in accepted or in rejected, or comes at
// or after the place that resume names.
type verdict struct {
	accepted, rejected int
	errors             []rejection // the first ones, at most limits.errors
	refused            *refusal    // why the request ended early; nil: it did not
	resume             place       // when refused: the first record of which nothing is stored
	byCode             map[string]int
}

// place is where in a body a record is.
type place struct {
	Index int `json:"index"` // from 0, rejected records counted too
	Line  int `json:"line"`  // from 1
}

// rejection is one record that was not accepted, or Count of them from Index on when the pipeline refused a batch.
type rejection struct {
	place
	Count   int    `json:"count,omitempty"`
	Code    string `json:"code"`
	Message string `json:"message"`
}

func (v *verdict) reject(r rejection, most int) {
	count := max(r.Count, 1)
	v.rejected += count
	if v.byCode == nil {
		v.byCode = map[string]int{}
	}
	v.byCode[r.Code] += count
	if len(v.errors) < most {
		v.errors = append(v.errors, r)
	}
}

// faultRejection names the setting behind a fault of the parser.
func faultRejection(item jsontape.Item) rejection {
	code, setting := "malformed_json", ""
	switch item.Fault.Code {
	case jsontape.TooDeep:
		code, setting = "too_deep", " (setting limits.depth)"
	case jsontape.TooManyFields:
		code, setting = "too_many_fields", " (setting limits.fields)"
	case jsontape.TooLong:
		code, setting = "too_long", " (setting limits.line_bytes)"
	case jsontape.Unreadable:
		code = "unreadable"
	}
	return rejection{place: place{item.Index, item.Line}, Code: code, Message: item.Fault.Message + setting}
}
