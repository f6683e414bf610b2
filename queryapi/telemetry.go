package queryapi

import (
	"context"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/instantdevlogs/devlogs/queryapi/internal/metadata"
	"github.com/instantdevlogs/devlogs/storage"
)

// telemetry keeps the books on requests, twice: in the Collector's own telemetry, where operators have everything else, and
// for this server's /metrics, which needs nothing configured and shows the store's size beside the queries.
type telemetry struct {
	collector *metadata.TelemetryBuilder

	registry *prometheus.Registry
	requests *prometheus.CounterVec   // endpoint, outcome
	duration *prometheus.HistogramVec // endpoint
	rows     *prometheus.CounterVec   // endpoint
	limits   *prometheus.CounterVec   // limit
	inFlight prometheus.Gauge
}

func newTelemetry(set component.TelemetrySettings) (*telemetry, error) {
	collector, err := metadata.NewTelemetryBuilder(set)
	if err != nil {
		return nil, err
	}
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "devlogs", Subsystem: "query", Name: name, Help: help}, labels)
	}
	t := &telemetry{
		collector: collector,
		registry:  prometheus.NewRegistry(),
		requests:  counter("requests_total", "Requests answered, also those that failed.", "endpoint", "outcome"),
		rows:      counter("rows_total", "Log records read from the store to answer requests.", "endpoint"),
		limits:    counter("limits_hit_total", "Requests that met one of the limits.", "limit"),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Namespace: "devlogs", Subsystem: "query", Name: "duration_seconds",
			Help:    "Time from the request to the last byte of its answer.",
			Buckets: []float64{0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60},
		}, []string{"endpoint"}),
		inFlight: prometheus.NewGauge(prometheus.GaugeOpts{
			Namespace: "devlogs", Subsystem: "query", Name: "in_flight", Help: "Requests that are being answered now.",
		}),
	}
	t.registry.MustRegister(t.requests, t.rows, t.limits, t.duration, t.inFlight)
	return t, nil
}

// begin notes that a request has come; the function it returns is called with the error that was answered, or nil.
func (t *telemetry) begin(ctx context.Context, endpoint string, source *Source) (done func(*apiError)) {
	start := time.Now()
	ctx = context.WithoutCancel(ctx) // it may have ended when the books are closed
	t.inFlight.Inc()
	t.collector.QueryAPIInFlight.Add(ctx, 1)
	at := metric.WithAttributes(attribute.String("endpoint", endpoint))
	return func(err *apiError) {
		seconds := time.Since(start).Seconds()
		outcome := outcomeOf(err)
		t.inFlight.Dec()
		t.requests.WithLabelValues(endpoint, outcome).Inc()
		t.duration.WithLabelValues(endpoint).Observe(seconds)
		t.rows.WithLabelValues(endpoint).Add(float64(source.rows))

		t.collector.QueryAPIInFlight.Add(ctx, -1)
		t.collector.QueryAPIRequests.Add(ctx, 1, metric.WithAttributes(
			attribute.String("endpoint", endpoint), attribute.String("outcome", outcome)))
		t.collector.QueryAPIDuration.Record(ctx, seconds, at)
		t.collector.QueryAPIRows.Add(ctx, int64(source.rows), at)
		if err != nil && err.Setting != "" {
			t.limits.WithLabelValues(err.Setting).Inc()
			t.collector.QueryAPILimitsHit.Add(ctx, 1, metric.WithAttributes(attribute.String("limit", err.Setting)))
		}
	}
}

func outcomeOf(err *apiError) string {
	switch {
	case err == nil:
		return "success"
	case err.Code == codeCanceled:
		return "canceled"
	case err.status() >= http.StatusInternalServerError:
		return "failure"
	default:
		return "refused"
	}
}

// metrics answers GET /metrics in Prometheus' text format.
func (t *telemetry) metrics(reader storage.Reader) http.Handler {
	t.registry.MustRegister(&storeCollector{reader})
	return promhttp.HandlerFor(t.registry, promhttp.HandlerOpts{ErrorHandling: promhttp.ContinueOnError})
}

func (t *telemetry) shutdown() { t.collector.Shutdown() }

// storeCollector reads the store's size when it is asked for.
type storeCollector struct{ reader storage.Reader }

var (
	storeRecords = prometheus.NewDesc("devlogs_store_records", "Log records stored.", nil, nil)
	storeBatches = prometheus.NewDesc("devlogs_store_batches", "Batches in the ledger.", nil, nil)
	storeBytes   = prometheus.NewDesc("devlogs_store_bytes", "Bytes on disk, with indexes and write-ahead logs.", nil, nil)
	storeOldest  = prometheus.NewDesc("devlogs_store_oldest_timestamp_seconds", "Time of the oldest record.", nil, nil)
	storeNewest  = prometheus.NewDesc("devlogs_store_newest_timestamp_seconds", "Time of the newest record.", nil, nil)
)

func (c *storeCollector) Describe(descs chan<- *prometheus.Desc) {
	for _, d := range [...]*prometheus.Desc{storeRecords, storeBatches, storeBytes, storeOldest, storeNewest} {
		descs <- d
	}
}

func (c *storeCollector) Collect(metrics chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	stats, err := c.reader.Stats(ctx)
	if err != nil {
		metrics <- prometheus.NewInvalidMetric(storeRecords, err)
		return
	}
	gauge := func(desc *prometheus.Desc, value float64) {
		metrics <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, value)
	}
	gauge(storeRecords, float64(stats.Records))
	gauge(storeBatches, float64(stats.Batches))
	gauge(storeBytes, float64(stats.Bytes))
	if stats.Records > 0 {
		gauge(storeOldest, float64(stats.MinTime)/1e9)
		gauge(storeNewest, float64(stats.MaxTime)/1e9)
	}
}
