package jsonlogreceiver

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/instantdevlogs/devlogs/internal/idempotency"
	"github.com/instantdevlogs/devlogs/receiver/jsonlogreceiver/internal/jsonmap"
	"github.com/instantdevlogs/devlogs/receiver/jsonlogreceiver/internal/jsontape"
	"go.opentelemetry.io/collector/client"
	"go.opentelemetry.io/collector/pdata/pcommon"
)

// session is one request being read: records go in by add, batches go out to the pipeline, and the verdict says what
// became of each.
//
// What a batch holds depends on nothing but the body, the mapping and the settings, so that a client that sends the same body with the
// same Idempotency-Key makes the same batches with the same keys, and what is stored already is not stored again. For
// that reason a batch that the body's end cut short by an error is dropped and not stored.
type session struct {
	*worker
	options
	verdict
	receiver *jsonReceiver
	protocol protocol
	ctx      context.Context
	request  *http.Request
	arrival  pcommon.Timestamp

	payload  *payload // nil when the request has no key
	first    place    // of the batch being filled
	size     int      // bytes of JSON in it
	batches  int      // handed to the pipeline
	settled  func(pipelineErr *refusal)
	explains []jsonmap.Explanation
}

// worker has the memory of a session that is worth keeping for the next one.
type worker struct {
	body   jsontape.Reader
	mapper jsonmap.Mapper
	batch  jsonmap.Batch
}

// maxExplanations bounds the answer to a dry run.
const maxExplanations = 100

// values calls take for every sound value in the body, and rejects the others and those that take rejects.
func (s *session) values(take func(item jsontape.Item) *rejection) {
	for s.refused == nil {
		item, err := s.body.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			s.refuse(readRefusal(err), place{item.Index, item.Line})
			return
		}
		if item.Fault != nil {
			s.reject(faultRejection(item))
			continue
		}
		if s.note(s.body.Tape.Raw(0)); s.refused != nil {
			break
		}
		if r := take(item); r != nil {
			s.reject(*r)
		}
	}
	s.flush()
}

// addObject maps the object at a node of the body's tape and adds it, or says why not. adjust, when not nil, completes the
// record first.
func (s *session) addObject(item jsontape.Item, node uint32, adjust func(*jsonmap.Mapper) *rejection) *rejection {
	tape, at := &s.body.Tape, place{item.Index, item.Line}
	if kind := tape.Nodes[node].Kind; kind != jsontape.Object {
		return &rejection{place: at, Code: "not_an_object", Message: "a record is a JSON object, this is " + kind.String()}
	}
	schemaFault := s.receiver.schema.check(tape.Raw(node))
	if schemaFault != "" && !s.receiver.schema.tag {
		return &rejection{place: at, Code: "schema_mismatch", Message: schemaFault}
	}
	if err := s.mapper.Prepare(tape, node); err != nil {
		return &rejection{place: at, Code: "bad_field", Message: err.Error()}
	}
	if adjust != nil {
		if r := adjust(&s.mapper); r != nil {
			r.place = at
			return r
		}
	}
	if schemaFault != "" {
		s.mapper.AddAttribute("schema.error", schemaFault)
	}
	s.add(at, len(tape.Raw(node)))
	return nil
}

// add puts the record that the mapper has prepared into the batch. size is about its bytes in the body.
func (s *session) add(at place, size int) {
	if s.dryRun {
		s.accepted++
		if len(s.explains) < maxExplanations {
			e := s.batch.Explain(&s.mapper, s.arrival)
			e.Index, e.Line = at.Index, at.Line
			s.explains = append(s.explains, e)
			s.batch.Reset()
		}
		return
	}
	if s.makeRoom(); s.refused != nil {
		return
	}
	if s.batch.Len() == 0 {
		s.first, s.size = at, 0
	}
	s.batch.Add(&s.mapper, s.arrival)
	s.size += size
	if s.payload == nil {
		s.makeRoom() // with a key it waits: what a batch is also depends on whether the body goes on
	}
}

// makeRoom hands on a batch that is full.
func (s *session) makeRoom() {
	if n := s.batch.Len(); n >= s.receiver.config.Batch.MaxRecords || n > 0 && s.size >= s.receiver.config.Batch.MaxBytes {
		s.hand(false)
	}
}

func (s *session) reject(r rejection) { s.verdict.reject(r, s.receiver.config.Limits.Errors) }

// flush hands the last batch to the pipeline.
func (s *session) flush() { s.hand(true) }

// hand hands the batch to the pipeline; last when the body has ended.
func (s *session) hand(last bool) {
	n := s.batch.Len()
	if n == 0 || s.refused != nil {
		return
	}
	s.batches++
	obs := s.receiver.obs
	ctx := obs.StartLogsOp(s.batchContext(last))
	err := s.receiver.next.ConsumeLogs(ctx, s.batch.Take())
	obs.EndLogsOp(ctx, s.protocol.name(), n, err)

	var refused *refusal
	permanent := false
	if err != nil {
		refused, permanent = pipelineRefusal(err)
		if cut := s.body.ReadErr(); cut != nil && s.ctx.Err() != nil {
			refused, permanent = readRefusal(cut), false // the server ends the context of a request whose body breaks off
		}
	}
	switch {
	case refused == nil:
		s.accepted += n
	case permanent:
		s.reject(rejection{place: s.first, Count: n, Code: refused.code, Message: refused.message})
	default:
		s.refused, s.resume = refused, s.first
	}
	if s.settled != nil {
		s.settled(refused)
	}
}

// refuse ends the request at a place in the body; the batch that was being filled is dropped.
func (s *session) refuse(r *refusal, at place) {
	s.refused, s.resume = r, at
	if s.batch.Len() > 0 {
		s.resume = s.first
	}
	s.batch.Reset()
}

// batchContext carries the tenant, and the batch's idempotency key with its fingerprint, as exporters expect them, in client.Info.
func (s *session) batchContext(last bool) context.Context {
	info := client.FromContext(s.ctx)
	metadata := map[string][]string{}
	for key := range info.Metadata.Keys() {
		metadata[key] = info.Metadata.Get(key)
	}
	delete(metadata, idempotency.Key)
	delete(metadata, idempotency.Fingerprint)
	if s.tenant != "" {
		metadata["x-scope-orgid"] = []string{s.tenant}
	}
	if s.key != "" {
		metadata[idempotency.Key] = []string{batchKey(s.key, s.batches)}
		metadata[idempotency.Fingerprint] = []string{s.payload.fingerprint(last)}
	}
	info.Metadata = client.NewMetadata(metadata)
	return client.NewContext(s.ctx, info)
}

// batchKey is the key of the n-th batch of a request. A "#" of the client's own is escaped: no two keys may meet.
func batchKey(key string, n int) string {
	key = keyEscaper.Replace(key)
	if n > 1 {
		key += "#" + strconv.Itoa(n)
	}
	return key
}

var keyEscaper = strings.NewReplacer("#", "%23", "%", "%25")

// arrivals gives each request a time of its own: records without one get it, and a store takes requests that are alike to the nanosecond
// for one that was sent twice.
type arrivals struct{ last atomic.Uint64 }

func (a *arrivals) next() pcommon.Timestamp { return a.after(pcommon.NewTimestampFromTime(time.Now())) }

func (a *arrivals) after(now pcommon.Timestamp) pcommon.Timestamp {
	for {
		last := a.last.Load()
		next := max(uint64(now), last+1)
		if a.last.CompareAndSwap(last, next) {
			return pcommon.Timestamp(next)
		}
	}
}
