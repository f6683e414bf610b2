package timescaleexporter

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"
	"go.opentelemetry.io/collector/client"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.opentelemetry.io/collector/exporter"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.uber.org/zap"

	"github.com/instantdevlogs/devlogs/exporter/timescaleexporter/internal/metadata"
	"github.com/instantdevlogs/devlogs/exporter/timescaleexporter/queue"
	"github.com/instantdevlogs/devlogs/internal/idempotency"
)

// timescaleExporter is safe for concurrent use between start and shutdown.
type timescaleExporter struct {
	config    *Config
	logger    *zap.Logger
	telemetry *metadata.TelemetryBuilder
	health    *health

	redis    redis.UniversalClient // nil until start, as is what follows
	gauge    *queue.Gauge
	producer *queue.Producer // nil when this process does not enqueue
	drain    *drain          // nil when this process does not drain
}

func newTimescaleExporter(set exporter.Settings, config *Config) (*timescaleExporter, error) {
	telemetry, err := metadata.NewTelemetryBuilder(set.TelemetrySettings)
	if err != nil {
		return nil, err
	}
	return &timescaleExporter{
		config: config, logger: set.Logger, telemetry: telemetry, health: &health{logger: set.Logger},
	}, nil
}

// start does not wait for Redis or PostgreSQL: either may come up later, and until then clients are told to come back.
func (e *timescaleExporter) start(ctx context.Context, host component.Host) error {
	e.health.host = host
	tlsConfig, err := e.tlsConfig(ctx)
	if err != nil {
		return err
	}
	if e.redis, err = e.config.Redis.Queue.Connect(tlsConfig); err != nil {
		return err
	}
	e.gauge = queue.NewGauge(e.config.Redis.Queue, e.redis, func(err error) { e.health.set(redisPart, err) }, func(warning string) { e.logger.Warn(warning) })
	if e.config.Role.enqueues() {
		e.producer = queue.NewProducer(e.config.Redis.Queue, e.redis, e.gauge, func(entries int) {
			e.telemetry.TimescaleEnqueueGroupEntries.Record(context.Background(), int64(entries))
		})
	}
	if e.config.Role.drains() {
		e.drain = newDrain(e.config, e.redis, e.telemetry, e.health, e.logger)
		e.drain.start()
	}
	return e.observe()
}

func (e *timescaleExporter) tlsConfig(ctx context.Context) (*tls.Config, error) {
	if !e.config.Redis.TLS.HasValue() {
		return nil, nil //nolint:nilnil // no settings beyond the URL: the client's own defaults
	}
	c, err := e.config.Redis.TLS.Get().LoadTLSConfig(ctx)
	if err != nil {
		return nil, fmt.Errorf("redis.tls: %w", err)
	}
	return c, nil
}

func (e *timescaleExporter) shutdown(ctx context.Context) error {
	e.telemetry.Shutdown()
	if e.producer != nil {
		e.producer.Close()
	}
	var errs []error
	if e.drain != nil {
		errs = append(errs, e.drain.stop(ctx))
	}
	if e.gauge != nil {
		e.gauge.Close()
	}
	if e.redis != nil {
		errs = append(errs, e.redis.Close())
	}
	return errors.Join(errs...)
}

var errOnlyDrains = consumererror.NewPermanent(errors.New(
	`this timescale exporter has the role "drain" and takes no logs: send them to a gateway, or set role: all`))

// consumeLogs returns nil when Redis has the batch.
func (e *timescaleExporter) consumeLogs(ctx context.Context, logs plog.Logs) error {
	if e.producer == nil {
		return errOnlyDrains
	}
	entry, err := newEntry(logs, client.FromContext(ctx).Metadata, e.config.DeduplicateRetries, pcommon.NewTimestampFromTime(time.Now()))
	if err != nil || entry.Records == 0 {
		return err
	}
	err = e.producer.Add(ctx, entry)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, queue.ErrKeyTaken):
		e.telemetry.TimescaleEnqueueRefused.Add(ctx, 1, refusedReused)
		return idempotency.Reused()
	}
	if full, ok := errors.AsType[*queue.FullError](err); ok {
		e.telemetry.TimescaleEnqueueRefused.Add(ctx, 1, refusedFull)
		return overloaded(full)
	}
	e.telemetry.TimescaleEnqueueRefused.Add(ctx, 1, refusedUnavailable)
	return unavailable(err)
}
