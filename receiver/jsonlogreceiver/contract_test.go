package jsonlogreceiver

import (
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
	signals "go.opentelemetry.io/collector/pipeline"
	"go.opentelemetry.io/collector/receiver/receivertest"
)

// generator sends one record after the other and does what the receiver's answers say.
type generator struct {
	t      *testing.T
	url    string
	client *http.Client
	sent   atomic.Int64
}

func (g *generator) Start() { g.client = &http.Client{Transport: &http.Transport{}} }
func (g *generator) Stop()  { g.client.CloseIdleConnections() }

func (g *generator) Generate() []receivertest.UniqueIDAttrVal {
	id := receivertest.UniqueIDAttrVal(fmt.Sprint(g.sent.Add(1)))
	body := fmt.Sprintf(`{"msg":"hello",%q:%q}`, receivertest.UniqueIDAttrName, id)
	for {
		resp, err := g.client.Post(g.url, "application/json", strings.NewReader(body))
		require.NoError(g.t, err)
		require.NoError(g.t, resp.Body.Close())
		switch resp.StatusCode {
		case http.StatusOK, http.StatusBadRequest: // taken, or never will be
			return []receivertest.UniqueIDAttrVal{id}
		case http.StatusServiceUnavailable: // again
		default:
			require.Failf(g.t, "unexpected status", "%d", resp.StatusCode)
		}
	}
}

func TestTheReceiverKeepsTheContractWithThePipeline(t *testing.T) {
	free, err := net.Listen("tcp", "localhost:0")
	require.NoError(t, err)
	address := free.Addr().String()
	require.NoError(t, free.Close())
	config := createDefaultConfig().(*Config)
	config.ServerConfig.NetAddr.Endpoint = address
	receivertest.CheckConsumeContract(receivertest.CheckConsumeContractParams{
		T: t, Factory: NewFactory(), Signal: signals.SignalLogs, Config: config, GenerateCount: 1000,
		Generator: &generator{t: t, url: "http://" + address + "/v1/json"},
	})
}
