package jsonlogreceiver

import (
	"fmt"
	"strings"

	"github.com/instantdevlogs/devlogs/receiver/jsonlogreceiver/internal/jsontape"
)

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

// omitted counts the rejected records that errors does not list.
func (v *verdict) omitted() int {
	listed := 0
	for _, e := range v.errors {
		listed += max(e.Count, 1)
	}
	return v.rejected - listed
}

// withAccount is why the request was refused, and what of it was stored before.
func (v *verdict) withAccount() *refusal {
	r := *v.refused
	if v.accepted > 0 {
		r.message += fmt.Sprintf("; %d records were stored, nothing from number %d on (counted from 0)", v.accepted, v.resume.Index)
	}
	return &r
}

// partial is the refusal of a request of which some records were rejected, for protocols that have no place for more.
func (v *verdict) partial() *refusal {
	var text strings.Builder
	fmt.Fprintf(&text, "%d stored, %d rejected", v.accepted, v.rejected)
	for _, e := range v.errors {
		fmt.Fprintf(&text, "\n%s: %s", e.Code, e.Message)
	}
	if more := v.omitted(); more > 0 {
		fmt.Fprintf(&text, "\n… and %d more", more)
	}
	return badRequest("partly_rejected", text.String())
}
