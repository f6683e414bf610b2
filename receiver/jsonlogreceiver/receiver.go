package jsonlogreceiver

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"

	"github.com/instantdevlogs/devlogs/receiver/jsonlogreceiver/internal/jsonmap"
	"github.com/instantdevlogs/devlogs/receiver/jsonlogreceiver/internal/metadata"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componentstatus"
	"go.opentelemetry.io/collector/config/confighttp"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/receiver"
	"go.opentelemetry.io/collector/receiver/receiverhelper"
	"go.uber.org/zap"
)

// jsonReceiver is the running receiver.
type jsonReceiver struct {
	config    *Config
	settings  receiver.Settings
	next      consumer.Logs
	obs       *receiverhelper.ObsReport
	telemetry *metadata.TelemetryBuilder
	schema    *schema
	rules     *jsonmap.Rules // of the configuration
	cache     ruleCache
	places    chan struct{} // one for each request that is being worked on
	workers   sync.Pool
	arrivals  arrivals

	server  *http.Server
	address net.Addr // where it listens, once started
	serving sync.WaitGroup
}

func newReceiver(config *Config, set receiver.Settings, next consumer.Logs) (*jsonReceiver, error) {
	obs, err := receiverhelper.NewObsReport(receiverhelper.ObsReportSettings{
		ReceiverID: set.ID, Transport: "http", ReceiverCreateSettings: set,
	})
	if err != nil {
		return nil, err
	}
	telemetry, err := metadata.NewTelemetryBuilder(set.TelemetrySettings)
	if err != nil {
		return nil, err
	}
	schema, err := loadSchema(config.Schema)
	if err != nil {
		return nil, err
	}
	return &jsonReceiver{
		config: config, settings: set, next: next, obs: obs, telemetry: telemetry, schema: schema,
		rules:   jsonmap.Compile(config.Fields),
		places:  make(chan struct{}, config.Limits.ConcurrentRequests),
		workers: sync.Pool{New: func() any { return &worker{} }},
	}, nil
}

// Start listens and serves.
func (r *jsonReceiver) Start(ctx context.Context, host component.Host) error {
	server, err := r.config.ServerConfig.ToServer(ctx, host.GetExtensions(), r.settings.TelemetrySettings, r.routes(),
		append(r.config.encodings(), confighttp.WithErrorHandler(refuseBeforeRoute))...)
	if err != nil {
		return err
	}
	listener, err := r.config.ServerConfig.ToListener(ctx)
	if err != nil {
		return fmt.Errorf("listening on %s (setting endpoint): %w", r.config.ServerConfig.NetAddr.Endpoint, err)
	}
	r.server, r.address = server, listener.Addr()
	r.settings.Logger.Info("Listening for JSON logs", zap.Stringer("endpoint", r.address))
	r.serving.Go(func() {
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			componentstatus.ReportStatus(host, componentstatus.NewFatalErrorEvent(fmt.Errorf("serving JSON logs: %w", err)))
		}
	})
	return nil
}

// Shutdown stops listening and waits for the requests that are being worked on.
func (r *jsonReceiver) Shutdown(ctx context.Context) error {
	var err error
	if r.server != nil {
		if err = r.server.Shutdown(ctx); err != nil {
			err = errors.Join(err, r.server.Close())
		}
		r.serving.Wait()
	}
	r.telemetry.Shutdown()
	return err
}
