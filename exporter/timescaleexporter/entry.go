package timescaleexporter

import (
	"fmt"

	"github.com/google/uuid"
	"github.com/zeebo/xxh3"
	"go.opentelemetry.io/collector/client"
	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/instantdevlogs/devlogs/exporter/timescaleexporter/queue"
	"github.com/instantdevlogs/devlogs/internal/idempotency"
	"github.com/instantdevlogs/devlogs/storage"
)

// Receivers put it into the client's metadata, as they do the key of package idempotency: json_log by itself, others with
// include_metadata.
const tenantKey = "x-scope-orgid"

// newEntry makes the queue entry of one request.
func newEntry(logs plog.Logs, md client.Metadata, deduplicate bool, arrival pcommon.Timestamp) (*queue.Entry, error) {
	e := &queue.Entry{Records: logs.LogRecordCount(), Tenant: first(md.Get(tenantKey)), Arrival: arrival}
	if e.Records == 0 {
		return e, nil
	}
	if err := storage.CheckTenant(e.Tenant); err != nil { // now, while somebody listens: nobody wants all of it as dead letters
		return nil, consumererror.NewPermanent(status.Errorf(codes.InvalidArgument, "header X-Scope-OrgID: %v", err))
	}
	message, err := (&plog.ProtoMarshaler{}).MarshalLogs(logs)
	if err != nil {
		return nil, consumererror.NewPermanent(fmt.Errorf("encode the request: %w", err))
	}
	switch key := first(md.Get(idempotency.Key)); {
	case key != "":
		e.Batch = storage.KeyID(e.Tenant, key)
		if print := first(md.Get(idempotency.Fingerprint)); print != "" {
			e.Sent = storage.OfClient(print)
		} else {
			e.Sent = storage.OfMessage(message)
		}
	case deduplicate && allTimed(logs):
		e.Batch = contentID(e.Tenant, message)
	default:
		e.Batch = uuid.New()
	}
	e.Payload = queue.Pack(message)
	return e, nil
}

// contentID is the batch id of a request by its bytes. A client that tries again sends the same ones, and the message made
// from them is the same then. Hashing the message costs a twentieth of making columns, which the drain does anyway.
func contentID(tenant string, message []byte) uuid.UUID {
	h := xxh3.New()
	_, _ = h.WriteString(tenant) // a hash takes everything
	_, _ = h.Write([]byte{0})
	_, _ = h.Write(message)
	return uuid.UUID(h.Sum128().Bytes())
}

// allTimed says whether every record carries a time, when it happened or when somebody saw it first. Two records without one may be
// alike and still be two.
func allTimed(logs plog.Logs) bool {
	for _, rl := range logs.ResourceLogs().All() {
		for _, sl := range rl.ScopeLogs().All() {
			for _, record := range sl.LogRecords().All() {
				if record.Timestamp() == 0 && record.ObservedTimestamp() == 0 {
					return false
				}
			}
		}
	}
	return true
}

func first(values []string) string {
	if len(values) == 0 {
		return ""
	}
	return values[0]
}
