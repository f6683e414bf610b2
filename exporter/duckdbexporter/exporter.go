package duckdbexporter

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/google/uuid"
	"go.opentelemetry.io/collector/client"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.opentelemetry.io/collector/exporter"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/instantdevlogs/devlogs/exporter/duckdbexporter/internal/metadata"
	"github.com/instantdevlogs/devlogs/internal/idempotency"
	"github.com/instantdevlogs/devlogs/storage"
	"github.com/instantdevlogs/devlogs/storage/duckdb"
)

// Receivers put it into the client's metadata, as they do the key of package idempotency: json_log by itself, others with
// include_metadata.
const tenantKey = "x-scope-orgid"

// duckdbExporter is safe for concurrent use between start and shutdown.
type duckdbExporter struct {
	config    *Config
	telemetry *metadata.TelemetryBuilder
	health    health
	store     *duckdb.Store // nil until start
	rows      sync.Pool     // of *storage.Rows: their columns grow to a request's size once
}

func newDuckDBExporter(set exporter.Settings, config *Config) (*duckdbExporter, error) {
	telemetry, err := metadata.NewTelemetryBuilder(set.TelemetrySettings)
	if err != nil {
		return nil, err
	}
	return &duckdbExporter{
		config:    config,
		telemetry: telemetry,
		health:    health{logger: set.Logger},
		rows:      sync.Pool{New: func() any { return new(storage.Rows) }},
	}, nil
}

func (e *duckdbExporter) start(ctx context.Context, host component.Host) (err error) {
	e.health.host = host
	if e.store, err = duckdb.Open(ctx, e.config.StoreConfig); err != nil {
		return fmt.Errorf("opening the log store: %w", err)
	}
	return errors.Join(
		e.telemetry.RegisterDuckdbStoreRecordsCallback(e.observe(func(s storage.Stats) uint64 { return s.Records })),
		e.telemetry.RegisterDuckdbStoreSizeCallback(e.observe(func(s storage.Stats) uint64 { return s.Bytes })),
	)
}

func (e *duckdbExporter) observe(pick func(storage.Stats) uint64) metric.Int64Callback {
	return func(ctx context.Context, o metric.Int64Observer) error {
		stats, err := e.store.Stats(ctx)
		if err != nil {
			return err
		}
		o.Observe(int64(pick(stats)))
		return nil
	}
}

func (e *duckdbExporter) shutdown(context.Context) error {
	e.telemetry.Shutdown()
	if e.store == nil {
		return nil
	}
	return e.store.Close()
}

// consumeLogs returns nil when every record is on disk.
func (e *duckdbExporter) consumeLogs(ctx context.Context, logs plog.Logs) error {
	rows := e.rows.Get().(*storage.Rows)
	defer func() {
		rows.Reset()
		e.rows.Put(rows)
	}()
	metadata := client.FromContext(ctx).Metadata
	tenant := first(metadata.Get(tenantKey))
	if err := storage.CheckTenant(tenant); err != nil {
		return consumererror.NewPermanent(status.Errorf(codes.InvalidArgument, "header X-Scope-OrgID: %v", err))
	}
	storage.Encode(rows, logs, tenant, pcommon.NewTimestampFromTime(time.Now()))
	if rows.Len() == 0 {
		return nil
	}

	began := time.Now()
	outcome, err := e.store.Write(ctx, e.batch(rows, metadata))
	if errors.Is(err, storage.ErrOtherPayload) {
		e.telemetry.DuckdbBatches.Add(ctx, 1, conflict)
		return idempotency.Reused()
	}
	if err != nil {
		e.telemetry.DuckdbBatches.Add(ctx, 1, failed(err))
		return e.health.refuse(err)
	}
	e.health.accept()
	e.telemetry.DuckdbCommitDuration.Record(ctx, time.Since(began).Seconds())
	if outcome == storage.Duplicate {
		e.telemetry.DuckdbBatches.Add(ctx, 1, duplicate)
		return nil
	}
	e.telemetry.DuckdbBatches.Add(ctx, 1, stored)
	e.telemetry.DuckdbRowsStored.Add(ctx, int64(rows.Len()))
	return nil
}

func (e *duckdbExporter) batch(rows *storage.Rows, metadata client.Metadata) storage.Batch {
	b := storage.Batch{Rows: rows}
	switch key := first(metadata.Get(idempotency.Key)); {
	case key != "":
		b.ID = storage.KeyID(rows.Tenant, key)
		if print := first(metadata.Get(idempotency.Fingerprint)); print != "" {
			b.Payload = storage.OfClient(print)
		} else {
			b.Payload = rows.Fingerprint()
		}
	case e.config.DeduplicateRetries:
		b.ID = rows.ContentID()
	default:
		b.ID = uuid.New()
	}
	return b
}

var (
	stored      = outcomeOption("stored")
	duplicate   = outcomeOption("duplicate")
	unavailable = outcomeOption("unavailable")
	refused     = outcomeOption("refused")
	conflict    = outcomeOption("conflict")
	abandoned   = outcomeOption("abandoned")
)

func failed(err error) metric.MeasurementOption {
	if left(err) {
		return abandoned
	}
	if _, ok := errors.AsType[*storage.UnavailableError](err); ok {
		return unavailable
	}
	return refused
}

// outcomeOption makes the set once: making it anew would cost every request.
func outcomeOption(outcome string) metric.MeasurementOption {
	return metric.WithAttributeSet(attribute.NewSet(attribute.String("outcome", outcome)))
}

func first(values []string) string {
	if len(values) == 0 {
		return ""
	}
	return values[0]
}
