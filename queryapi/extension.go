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

	"github.com/instantdevlogs/devlogs/storage"
)

// shutdownGrace is how long running queries may still take when the Collector stops.
const shutdownGrace = 3 * time.Second

// queryAPI is the extension: it opens the store and runs the HTTP server.
type queryAPI struct {
	config    *Config
	settings  extension.Settings
	telemetry *telemetry

	store    store
	listener net.Listener
	http     *http.Server
	stop     context.CancelCauseFunc // ends all queries
	served   chan struct{}           // closed when the server has returned
	running  atomic.Bool             // the pipelines run

	tailsEnded func(context.Context) error // waits for all tails to end
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

// Start opens the store and listens. The server answers when Start returns, with 503 until a database that is not up yet is.
func (q *queryAPI) Start(ctx context.Context, host component.Host) (err error) {
	opened, err := q.openStore(ctx, host)
	if err != nil {
		return fmt.Errorf("open the store that query_api reads: %w", err)
	}
	q.store = opened
	if err := q.serve(ctx, host, q.store); err != nil {
		return errors.Join(err, q.Shutdown(ctx))
	}
	return nil
}

func (q *queryAPI) openStore(ctx context.Context, host component.Host) (store, error) {
	late, err := newLateStore(ctx,
		func(ctx context.Context) (store, error) { return openStore(ctx, &q.config.Storage, q.settings.Logger) },
		func() {
			q.settings.Logger.Info("The store is there: queries are answered")
			componentstatus.ReportStatus(host, componentstatus.NewEvent(componentstatus.StatusOK))
		},
		func(err error) {
			componentstatus.ReportStatus(host, componentstatus.NewFatalErrorEvent(fmt.Errorf("open the store that query_api reads: %w", err)))
		})
	if err != nil {
		return nil, err
	}
	if _, err := late.now(); err != nil {
		q.settings.Logger.Warn("The store can't be used yet; queries are answered with 503 until it can", zap.Error(err))
		componentstatus.ReportStatus(host, componentstatus.NewRecoverableErrorEvent(err))
	}
	return late, nil
}

// serve answers queries over a store until Shutdown.
func (q *queryAPI) serve(ctx context.Context, host component.Host, reader storage.Reader) (err error) {
	server := newServer(reader, q.config, q.telemetry, q.settings.Logger)
	server.ready = q.ready
	server.health = &storeHealth{report: func(event *componentstatus.Event) { componentstatus.ReportStatus(host, event) }}
	hosts := append([]string{q.config.ServerConfig.NetAddr.Endpoint}, q.config.AllowedHosts...) // this machine's own name may be a loopback address
	q.http, err = q.config.ServerConfig.ToServer(ctx, host.GetExtensions(), q.settings.TelemetrySettings,
		guardHosts(server.routes(), func() bool { return listensLocally(q.listener.Addr()) }, hosts))
	if err != nil {
		return fmt.Errorf("make the query API's server: %w", err)
	}
	q.http.RegisterOnShutdown(func() { server.endTails(errShutdown) }) // they would not end by themselves
	q.tailsEnded = server.tailsEnded
	var queries context.Context
	queries, q.stop = context.WithCancelCause(context.WithoutCancel(ctx)) // Start's own ends with Start
	q.http.BaseContext = func(net.Listener) context.Context { return queries }
	if q.listener, err = q.config.ServerConfig.ToListener(ctx); err != nil {
		return fmt.Errorf("listen for queries on %s: %w", q.config.ServerConfig.NetAddr.Endpoint, err)
	}
	q.settings.Logger.Info("Query API listens", zap.Stringer("address", q.listener.Addr()))
	q.served = make(chan struct{})
	go func() {
		defer close(q.served)
		if err := q.http.Serve(q.listener); err != nil && !errors.Is(err, http.ErrServerClosed) {
			componentstatus.ReportStatus(host, componentstatus.NewFatalErrorEvent(fmt.Errorf("serve queries: %w", err)))
		}
	}()
	return nil
}

// Ready and NotReady tell whether the Collector's pipelines run.
func (q *queryAPI) Ready() error    { q.running.Store(true); return nil }
func (q *queryAPI) NotReady() error { q.running.Store(false); return nil }

func (q *queryAPI) ready() error {
	if !q.running.Load() {
		return errors.New("the pipelines are not running")
	}
	return nil
}

// Shutdown lets running queries end for a short while, ends the rest, and closes the store.
func (q *queryAPI) Shutdown(ctx context.Context) error {
	var errs []error
	if q.stop != nil {
		errs = append(errs, q.shutdownServer(ctx))
	}
	if q.served != nil {
		<-q.served
	}
	if q.tailsEnded != nil {
		errs = append(errs, q.tailsEnded(ctx)) // the HTTP server does not know of WebSockets
	}
	if q.store != nil {
		errs = append(errs, q.store.Close())
	}
	q.store, q.stop, q.served, q.tailsEnded = nil, nil, nil, nil
	q.telemetry.shutdown()
	return errors.Join(errs...)
}

func (q *queryAPI) shutdownServer(ctx context.Context) error {
	defer q.stop(errShutdown)
	grace, cancel := context.WithTimeout(ctx, shutdownGrace)
	defer cancel()
	if q.http.Shutdown(grace) == nil {
		return nil
	}
	q.stop(errShutdown)
	if err := q.http.Shutdown(ctx); err != nil {
		return errors.Join(err, q.http.Close())
	}
	return nil
}
