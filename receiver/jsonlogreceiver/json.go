package jsonlogreceiver

import (
	"encoding/json"
	"net/http"

	"github.com/instantdevlogs/devlogs/receiver/jsonlogreceiver/internal/jsonmap"
	"github.com/instantdevlogs/devlogs/receiver/jsonlogreceiver/internal/jsontape"
)

// plainJSON is the receiver's own protocol: objects in any arrangement.
type plainJSON struct{}

func (plainJSON) name() string         { return "json" }
func (plainJSON) mediaTypes() []string { return jsonTypes }

func (plainJSON) read(s *session) {
	s.values(func(item jsontape.Item) *rejection { return s.addObject(item, 0, nil) })
	if s.refused == nil && s.body.Blank() {
		s.refuse(emptyBody(), place{0, 1})
	}
}

// report is the JSON answer to a request.
type report struct {
	Accepted int                   `json:"accepted"` // stored, or in the queue that stores
	Rejected int                   `json:"rejected"` // not stored, each for a reason of its own
	Errors   []rejection           `json:"errors,omitempty"`
	Omitted  int                   `json:"errors_omitted,omitempty"` // rejected records that Errors does not list
	Error    *fault                `json:"error,omitempty"`          // why the request ended early
	Retry    *place                `json:"retry_from,omitempty"`     // with Error: nothing from this record on is stored
	Hint     string                `json:"hint,omitempty"`           // with Retry, when the request has a key: what to send
	DryRun   bool                  `json:"dry_run,omitempty"`        // accepted means "would be accepted"
	Records  []jsonmap.Explanation `json:"records,omitempty"`        // with DryRun
}

type fault struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

// retryHint: the keys of batches are counted from the start of a body, so a rest under the same key would be taken for what
// is stored already.
const retryHint = "send the whole body again with the same Idempotency-Key, or what begins at retry_from with a new one"

// otherBodyHint: what was before retry_from is stored since the key came first.
const otherBodyHint = "send what begins at retry_from with a new Idempotency-Key: what is before it is stored already"

func (s *session) report() report {
	r := report{
		Accepted: s.accepted, Rejected: s.rejected, Errors: s.errors, Omitted: s.omitted(),
		DryRun: s.dryRun, Records: s.explains,
	}
	if s.refused != nil {
		r.Error, r.Retry = &fault{s.refused.code, s.refused.message}, &s.resume
		if s.key != "" && s.accepted > 0 {
			r.Hint = retryHint
			if s.refused.code == codeKeyReused {
				r.Hint = otherBodyHint
			}
		}
	}
	return r
}

func (plainJSON) answer(w http.ResponseWriter, s *session) {
	writeJSON(w, s.head(), s.report())
}

func (plainJSON) refuse(w http.ResponseWriter, r *refusal) {
	writeJSON(w, r, report{Error: &fault{r.code, r.message}})
}

// head is what the status line and headers of the answer say.
func (s *session) head() *refusal {
	if s.refused != nil {
		return s.refused
	}
	return &refusal{status: s.status()}
}

func writeJSON(w http.ResponseWriter, head *refusal, body any) {
	text, err := json.Marshal(body)
	if err != nil {
		head, text = &refusal{status: http.StatusInternalServerError}, []byte(`{"error":{"code":"internal","message":"the answer can't be written"}}`)
	}
	head.writeHead(w, "application/json")
	_, _ = w.Write(append(text, '\n')) // when the client is gone there is nobody to tell
}
