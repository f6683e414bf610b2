package queryapi

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componentstatus"
	"go.opentelemetry.io/collector/extension"
	"go.opentelemetry.io/collector/extension/extensioncapabilities"
	"go.uber.org/zap"
)

// shutdownGrace is how long running queries may still take when the Collector stops.
const shutdownGrace = 3 * time.Second

// queryAPI is the extension: it opens the store and runs the HTTP server.
type queryAPI struct {
	config    *Config
	settings  extension.Settings
	telemetry *telemetry

	store   store
	address net.Addr // where the server listens
	http    *http.Server
	stop    context.CancelCauseFunc // ends all queries
	served  chan struct{}           // closed when the server has returned
	running atomic.Bool             // the pipelines run
}

var (
	_ extensioncapabilities.Dependent       = (*queryAPI)(nil)
	_ extensioncapabilities.PipelineWatcher = (*queryAPI)(nil)
)

func newQueryAPI(set extension.Settings, config *Config) (*queryAPI, error) {
	telemetry, err := newTelemetry(set.TelemetrySettings)
	if err != nil {
		return nil, err
	}
	return &queryAPI{config: config, settings: set, telemetry: telemetry}, nil
}

// Dependencies names the extensions that must start first: those that authenticate and wrap requests.
func (q *queryAPI) Dependencies() []component.ID {
	var ids []component.ID
	if auth := q.config.ServerConfig.Auth.Get(); auth != nil {
		ids = append(ids, auth.Config.AuthenticatorID)
	}
	for _, middleware := range q.config.ServerConfig.Middlewares {
		ids = append(ids, middleware.ID)
	}
	return ids
}

// Start opens the store and listens. The server answers when Start returns.
func (q *queryAPI) Start(ctx context.Context, host component.Host) (err error) {
	defer func() {
		if err != nil {
			err = errors.Join(err, q.Shutdown(ctx))
		}
	}()
	if q.store, err = openStore(ctx, &q.config.Storage); err != nil {
		return fmt.Errorf("open the store that query_api reads: %w", err)
	}
	server := newServer(q.store, q.config, q.telemetry, q.settings.Logger)
	server.ready = q.ready
	q.http, err = q.config.ServerConfig.ToServer(ctx, host.GetExtensions(), q.settings.TelemetrySettings, server.routes())
	if err != nil {
		return fmt.Errorf("make the query API's server: %w", err)
	}
	var queries context.Context
	queries, q.stop = context.WithCancelCause(context.Background())
	q.http.BaseContext = func(net.Listener) context.Context { return queries }

	listener, err := q.config.ServerConfig.ToListener(ctx)
	if err != nil {
		return fmt.Errorf("listen for queries on %s: %w", q.config.ServerConfig.NetAddr.Endpoint, err)
	}
	q.address = listener.Addr()
	q.settings.Logger.Info("Query API listens", zap.Stringer("address", q.address))
	q.served = make(chan struct{})
	go func() {
		defer close(q.served)
		if err := q.http.Serve(listener); err != nil && !errors.Is(err, http.ErrServerClosed) {
			componentstatus.ReportStatus(host, componentstatus.NewFatalErrorEvent(fmt.Errorf("serve queries: %w", err)))
		}
	}()
	return nil
}

// Ready and NotReady tell whether the Collector's pipelines run.
func (q *queryAPI) Ready() error    { q.running.Store(true); return nil }
func (q *queryAPI) NotReady() error { q.running.Store(false); return nil }

func (q *queryAPI) ready(context.Context) error {
	if !q.running.Load() {
		return errors.New("the pipelines are not running")
	}
	return nil
}

// Shutdown lets running queries end for a short while, ends the rest, and closes the store.
func (q *queryAPI) Shutdown(ctx context.Context) error {
	var errs []error
	if q.http != nil {
		grace, cancel := context.WithTimeout(ctx, shutdownGrace)
		err := q.http.Shutdown(grace)
		cancel()
		if err != nil && q.stop != nil {
			q.stop(errShutdown)
			err = q.http.Shutdown(ctx)
		}
		if err != nil {
			err = errors.Join(err, q.http.Close())
		}
		if q.stop != nil {
			q.stop(errShutdown)
		}
		errs = append(errs, err)
	}
	if q.served != nil {
		<-q.served
	}
	if q.store != nil {
		errs = append(errs, q.store.Close())
	}
	q.store, q.http, q.served = nil, nil, nil
	q.telemetry.shutdown()
	return errors.Join(errs...)
}
