package queryapi

import (
	"context"
	"net"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componentstatus"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/extension/extensiontest"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.opentelemetry.io/otel/sdk/metric/metricdata/metricdatatest"

	"github.com/instantdevlogs/devlogs/queryapi/internal/metadata"
	"github.com/instantdevlogs/devlogs/queryapi/internal/metadatatest"
)

func TestLifecycleCanBeRepeatedOnOneStore(t *testing.T) {
	config := testConfig(t.TempDir())
	for range 2 {
		ext, err := NewFactory().Create(t.Context(), extensiontest.NewNopSettings(metadata.Type), config)
		require.NoError(t, err)
		require.NoError(t, ext.Start(t.Context(), componenttest.NewNopHost()))
		require.NoError(t, ext.Shutdown(t.Context()))
	}
}

func TestShutdownWithoutStart(t *testing.T) {
	ext, err := NewFactory().Create(t.Context(), extensiontest.NewNopSettings(metadata.Type), testConfig(t.TempDir()))
	require.NoError(t, err)
	require.NoError(t, ext.Shutdown(t.Context()))
}

func TestStartThatFailsLeavesNothingOpen(t *testing.T) {
	taken, err := net.Listen("tcp", "localhost:0")
	require.NoError(t, err)
	defer taken.Close()
	config := testConfig(t.TempDir())
	config.ServerConfig.NetAddr.Endpoint = taken.Addr().String()
	ext, err := newQueryAPI(extensiontest.NewNopSettings(metadata.Type), config)
	require.NoError(t, err)
	err = ext.Start(t.Context(), componenttest.NewNopHost())
	require.ErrorContains(t, err, "listen for queries on "+taken.Addr().String())

	// The store was closed again: it can be opened with its settings changed, which an open one would refuse or share.
	config.ServerConfig.NetAddr.Endpoint = "localhost:0"
	ext, err = newQueryAPI(extensiontest.NewNopSettings(metadata.Type), config)
	require.NoError(t, err)
	require.NoError(t, ext.Start(t.Context(), componenttest.NewNopHost()))
	require.NoError(t, ext.Shutdown(t.Context()))
}

func TestReadinessFollowsThePipelines(t *testing.T) {
	api := newTestAPI(t)
	require.Equal(t, http.StatusOK, api.get("/readyz", nil).status)
	require.NoError(t, api.ext.NotReady())
	err := api.refused(http.StatusServiceUnavailable, "/readyz", nil)
	require.Equal(t, "the pipelines are not running", err.Message)
	require.Equal(t, http.StatusOK, api.get("/healthz", nil).status)
}

// statusHost collects what a component reports.
type statusHost struct {
	component.Host
	events chan *componentstatus.Event
}

func (h *statusHost) Report(event *componentstatus.Event) { h.events <- event }

func TestServerThatDiesIsAFatalStatus(t *testing.T) {
	ext, err := newQueryAPI(extensiontest.NewNopSettings(metadata.Type), testConfig(t.TempDir()))
	require.NoError(t, err)
	host := &statusHost{componenttest.NewNopHost(), make(chan *componentstatus.Event, 1)}
	require.NoError(t, ext.Start(t.Context(), host))
	require.NoError(t, ext.listener.Close())
	event := <-host.events
	require.Equal(t, componentstatus.StatusFatalError, event.Status())
	require.ErrorIs(t, event.Err(), net.ErrClosed)
	require.NoError(t, ext.Shutdown(t.Context()))
}

// TestShutdownEndsQueriesThatTakeTooLong has a query wait in the store for ever.
func TestShutdownEndsQueriesThatTakeTooLong(t *testing.T) {
	ext, err := newQueryAPI(extensiontest.NewNopSettings(metadata.Type), testConfig(t.TempDir()))
	require.NoError(t, err)
	reader := waitingReader{started: make(chan struct{}), ended: make(chan struct{}, 1)}
	require.NoError(t, ext.serve(t.Context(), componenttest.NewNopHost(), reader))
	answered := make(chan int, 1)
	go func() {
		response, err := http.Get("http://" + ext.listener.Addr().String() + "/api/v1/logs")
		if err != nil {
			answered <- 0
			return
		}
		_ = response.Body.Close()
		answered <- response.StatusCode
	}()
	<-reader.started
	require.NoError(t, ext.Shutdown(context.Background()))
	require.Equal(t, http.StatusServiceUnavailable, <-answered)
	http.DefaultClient.CloseIdleConnections()
}

func TestStoreFailureIsARecoverableStatusUntilItAnswersAgain(t *testing.T) {
	ext, err := newQueryAPI(extensiontest.NewNopSettings(metadata.Type), testConfig(t.TempDir()))
	require.NoError(t, err)
	host := &statusHost{componenttest.NewNopHost(), make(chan *componentstatus.Event, 10)}
	reader := &brokenReader{}
	require.NoError(t, ext.serve(t.Context(), host, reader))
	ask := func() {
		response, err := http.Get("http://" + ext.listener.Addr().String() + "/api/v1/logs")
		require.NoError(t, err)
		require.NoError(t, response.Body.Close())
	}
	ask()
	ask()
	event := <-host.events
	require.Equal(t, componentstatus.StatusRecoverableError, event.Status())
	reader.mend()
	ask()
	event = <-host.events
	require.Equal(t, componentstatus.StatusOK, event.Status(), "only changes are reported: the second failure was none")
	require.NoError(t, ext.Shutdown(t.Context()))
	http.DefaultClient.CloseIdleConnections()
}

func TestTelemetryCountsRequestsRowsAndLimits(t *testing.T) {
	tel := componenttest.NewTelemetry()
	t.Cleanup(func() { require.NoError(t, tel.Shutdown(context.Background())) })
	api := newTestAPIWith(t, metadatatest.NewSettings(tel))
	api.write("", filterLogs())
	api.logs(around())
	api.refused(http.StatusUnprocessableEntity, "/api/v1/logs", query("limit", "999999"))
	api.refused(http.StatusBadRequest, "/api/v1/histogram", query("by", "level", "step", "x"))

	at := func(endpoint, outcome string) attribute.Set {
		return attribute.NewSet(attribute.String("endpoint", endpoint), attribute.String("outcome", outcome))
	}
	metadatatest.AssertEqualQueryAPIRequests(t, tel, []metricdata.DataPoint[int64]{
		{Attributes: at("logs", "success"), Value: 1}, {Attributes: at("logs", "refused"), Value: 1},
		{Attributes: at("histogram", "refused"), Value: 1},
	}, metricdatatest.IgnoreTimestamp(), metricdatatest.IgnoreExemplars())
	metadatatest.AssertEqualQueryAPIRows(t, tel, []metricdata.DataPoint[int64]{
		{Attributes: attribute.NewSet(attribute.String("endpoint", "logs")), Value: 5},
		{Attributes: attribute.NewSet(attribute.String("endpoint", "histogram")), Value: 0},
	}, metricdatatest.IgnoreTimestamp(), metricdatatest.IgnoreExemplars())
	metadatatest.AssertEqualQueryAPILimitsHit(t, tel, []metricdata.DataPoint[int64]{
		{Attributes: attribute.NewSet(attribute.String("limit", "max_rows")), Value: 1},
	}, metricdatatest.IgnoreTimestamp(), metricdatatest.IgnoreExemplars())
	metadatatest.AssertEqualQueryAPIInFlight(t, tel, []metricdata.DataPoint[int64]{{Value: 0}}, metricdatatest.IgnoreTimestamp(), metricdatatest.IgnoreExemplars())

	// The same books are on the server's own /metrics.
	require.EqualValues(t, 1, counterValue(t, api, `devlogs_query_requests_total{endpoint="logs",outcome="refused"}`))
	require.EqualValues(t, 5, counterValue(t, api, `devlogs_query_rows_total{endpoint="logs"}`))
	require.EqualValues(t, 1, counterValue(t, api, `devlogs_query_limits_hit_total{limit="max_rows"}`))
	require.EqualValues(t, 5, counterValue(t, api, `devlogs_store_records`))
}
