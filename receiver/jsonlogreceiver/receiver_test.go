package jsonlogreceiver

import (
	"context"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/config/configauth"
	"go.opentelemetry.io/collector/config/confighttp"
	"go.opentelemetry.io/collector/config/configoptional"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/receiver/receivertest"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.opentelemetry.io/otel/sdk/metric/metricdata/metricdatatest"

	"github.com/instantdevlogs/devlogs/receiver/jsonlogreceiver/internal/metadata"
	"github.com/instantdevlogs/devlogs/receiver/jsonlogreceiver/internal/metadatatest"
)

func TestADryRunExplainsAndStoresNothing(t *testing.T) {
	r := start(t, nil)
	answer := r.post(t, "/v1/json?dry_run=true", "{\"ts\":1760000000.5,\"lvl\":\"warn\",\"msg\":\"hi\",\"service\":\"shop\",\"n\":1,\"x\":{\"y\":[null,NaN]},"+
		"\"trace_id\":\"0af7651916cd43dd8448eb211c80319c\"}\nbad\n")
	require.Equal(t, http.StatusOK, answer.status)
	require.JSONEq(t, `{"accepted":1,"rejected":1,"dry_run":true,
		"errors":[{"index":1,"line":2,"code":"malformed_json","message":"'b' where a value should be"}],
		"records":[{"index":0,"line":1,"time":"2025-10-09T08:53:20.5Z","severity_number":13,"severity_text":"warn","body":"hi",
			"trace_id":"0af7651916cd43dd8448eb211c80319c","attributes":{"n":1,"x":{"y":[null,"NaN"]}},"resource":{"service.name":"shop"},
			"from":{"time":"ts","severity":"lvl","body":"msg","service.name":"service","trace_id":"trace_id"}}]}`, answer.body)
	for path, body := range map[string]string{
		"/loki/api/v1/push":         `{"streams":[{"stream":{"a":"b"},"values":[["1760000000000000000","x"]]}]}`,
		"/_bulk":                    "{\"create\":{}}\n{}\n",
		"/services/collector/event": `{"event":"a"}`,
		"/services/collector/raw":   `a`,
	} {
		answer := r.post(t, path+"?dry_run=true", body)
		require.Equal(t, http.StatusOK, answer.status, path)
		require.Len(t, answer.report(t).Records, 1, path)
	}
	require.Zero(t, r.sink.LogRecordCount())
}

func TestADryRunExplainsTheFirstHundred(t *testing.T) {
	report := start(t, nil).post(t, "/v1/json?dry_run=1", lines(0, 7000)).report(t)
	require.Equal(t, 7000, report.Accepted)
	require.Len(t, report.Records, 100)
}

func TestRecordsAreCheckedAgainstTheSchema(t *testing.T) {
	body := "{\"msg\":\"ok\",\"user\":7}\n{\"msg\":5,\"user\":0}\n{}\n"
	r := start(t, nil, func(c *Config) { c.Schema.File = "testdata/schema.json" })
	report := r.post(t, "/v1/json", body).report(t)
	require.Equal(t, 1, report.Accepted)
	require.Equal(t, 2, report.Rejected)
	require.Equal(t, "schema_mismatch", report.Errors[0].Code)
	require.Contains(t, report.Errors[0].Message, "at '/msg': got number, want string")
	require.Contains(t, report.Errors[0].Message, "at '/user': minimum: got 0, want 1")
	require.Contains(t, report.Errors[1].Message, "missing property 'msg'")
	require.Equal(t, []string{"ok"}, r.bodies())

	r = start(t, nil, func(c *Config) { c.Schema = SchemaConfig{File: "testdata/schema.json", OnInvalid: onInvalidTag} })
	require.JSONEq(t, `{"accepted":3,"rejected":0}`, r.post(t, "/v1/json", body).body)
	var tags []string
	for record := range records(r.sink.AllLogs()[0]) {
		v, _ := record.Attributes().Get("schema.error")
		tags = append(tags, v.Str())
	}
	require.Empty(t, tags[0])
	require.Contains(t, tags[1], "want string")
	require.Contains(t, tags[2], "missing property")
}

func TestASchemaThatCannotBeReadStopsTheStart(t *testing.T) {
	broken := filepath.Join(t.TempDir(), "schema.json")
	require.NoError(t, os.WriteFile(broken, []byte(`{"type":"nothing"}`), 0o600))
	for _, file := range []string{"testdata/absent.json", broken} {
		config := createDefaultConfig().(*Config)
		config.Schema.File = file
		_, err := newReceiver(config, receivertest.NewNopSettings(metadata.Type), consumertest.NewNop())
		require.ErrorContains(t, err, "schema.file "+file)
	}
}

func TestAnEndpointThatIsTakenIsNamed(t *testing.T) {
	r := start(t, nil)
	config := createDefaultConfig().(*Config)
	config.ServerConfig.NetAddr.Endpoint = r.url[len("http://"):]
	second, err := newReceiver(config, receivertest.NewNopSettings(metadata.Type), consumertest.NewNop())
	require.NoError(t, err)
	require.ErrorContains(t, second.Start(t.Context(), componenttest.NewNopHost()), "(setting endpoint)")
	require.NoError(t, second.Shutdown(t.Context()))
}

// keyHost is a host with an authenticator that knows one key.
type keyHost struct{}

func (keyHost) GetExtensions() map[component.ID]component.Component {
	return map[component.ID]component.Component{component.MustNewID("keys"): authExtension{}}
}

type authExtension struct{}

func (authExtension) Authenticate(ctx context.Context, headers map[string][]string) (context.Context, error) {
	if !slices.Equal(headers["Authorization"], []string{"Bearer good"}) {
		return ctx, errors.New("unknown key")
	}
	return ctx, nil
}

func (authExtension) Start(context.Context, component.Host) error { return nil }
func (authExtension) Shutdown(context.Context) error              { return nil }

func TestRequestsWithoutCredentialsAreRefused(t *testing.T) {
	config := createDefaultConfig().(*Config)
	config.ServerConfig.NetAddr.Endpoint = "localhost:0"
	config.ServerConfig.Auth = configoptional.Some(confighttp.AuthConfig{Config: configauth.Config{AuthenticatorID: component.MustNewID("keys")}})
	sink := new(consumertest.LogsSink)
	receiver, err := newReceiver(config, receivertest.NewNopSettings(metadata.Type), sink)
	require.NoError(t, err)
	require.NoError(t, receiver.Start(t.Context(), keyHost{}))
	defer func() {
		http.DefaultClient.CloseIdleConnections()
		require.NoError(t, receiver.Shutdown(context.Background()))
	}()
	r := &testReceiver{url: "http://" + receiver.address.String(), sink: sink}
	answer := r.post(t, "/v1/json", `{"msg":"a"}`)
	require.Equal(t, http.StatusUnauthorized, answer.status)
	require.JSONEq(t, `{"accepted":0,"rejected":0,"error":{"code":"unauthenticated","message":"unknown key"}}`, answer.body)
	require.Equal(t, http.StatusOK, r.post(t, "/v1/json", `{"msg":"a"}`, "Authorization", "Bearer good").status)
	require.Equal(t, 1, sink.LogRecordCount())
}

func TestRejectionsAndRefusalsAreCounted(t *testing.T) {
	telemetry := componenttest.NewTelemetry()
	defer func() { require.NoError(t, telemetry.Shutdown(context.Background())) }()
	config := createDefaultConfig().(*Config)
	config.ServerConfig.NetAddr.Endpoint = "localhost:0"
	receiver, err := newReceiver(config, metadatatest.NewSettings(telemetry), consumertest.NewNop())
	require.NoError(t, err)
	require.NoError(t, receiver.Start(t.Context(), componenttest.NewNopHost()))
	defer func() {
		http.DefaultClient.CloseIdleConnections()
		require.NoError(t, receiver.Shutdown(context.Background()))
	}()
	r := &testReceiver{url: "http://" + receiver.address.String()}
	r.post(t, "/v1/json", "{\"msg\":\"a\"}\nbad\nbad\n3\n")
	r.post(t, "/v1/json", "")

	point := func(n int64, attributes ...attribute.KeyValue) metricdata.DataPoint[int64] {
		return metricdata.DataPoint[int64]{Value: n, Attributes: attribute.NewSet(attributes...)}
	}
	protocol := attribute.String("protocol", "json")
	metadatatest.AssertEqualJSONLogRecordsRejected(t, telemetry, []metricdata.DataPoint[int64]{
		point(2, protocol, attribute.String("code", "malformed_json")), point(1, protocol, attribute.String("code", "not_an_object")),
	}, metricdatatest.IgnoreTimestamp(), metricdatatest.IgnoreExemplars())
	metadatatest.AssertEqualJSONLogRequestsRefused(t, telemetry, []metricdata.DataPoint[int64]{
		point(1, protocol, attribute.String("reason", "empty_body")),
	}, metricdatatest.IgnoreTimestamp(), metricdatatest.IgnoreExemplars())
	accepted, err := telemetry.GetMetric("otelcol_receiver_accepted_log_records")
	require.NoError(t, err)
	require.EqualValues(t, 1, accepted.Data.(metricdata.Sum[int64]).DataPoints[0].Value)
}
