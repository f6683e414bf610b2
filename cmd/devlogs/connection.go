package main

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"go.opentelemetry.io/collector/config/configopaque"

	"github.com/instantdevlogs/devlogs/queryapi/client"
)

// connection holds the flags of the commands that ask a running devlogs.
type connection struct {
	address   string
	tenant    string
	headers   []string
	tokenFile string
	ca        string
	cert      string
	key       string
	insecure  bool
}

func (c *connection) addFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&c.address, "address", cmp.Or(os.Getenv("DEVLOGS_QUERY_ENDPOINT"), "localhost:3100"),
		"`host:port` or URL of the query API (DEVLOGS_QUERY_ENDPOINT)")
	f.StringVar(&c.tenant, "tenant", "", "ask for the logs of this tenant (sent as X-Scope-OrgID)")
	f.StringArrayVar(&c.headers, "header", nil, "send a header with each request, as in `'Name: value'`; repeat for more")
	f.StringVar(&c.tokenFile, "bearer-token-file", "",
		"`file` with a bearer token (or set DEVLOGS_BEARER_TOKEN)")
	f.StringVar(&c.ca, "tls-ca", "", "`file` with the certificates of authorities to trust")
	f.StringVar(&c.cert, "tls-cert", "", "`file` with a client certificate")
	f.StringVar(&c.key, "tls-key", "", "`file` with the client certificate's key")
	f.BoolVar(&c.insecure, "tls-insecure-skip-verify", false, "trust any certificate")
}

// client makes the client that the flags describe.
func (c *connection) client(ctx context.Context) (*client.Client, error) {
	config := client.Config{
		Address: c.address, Tenant: c.tenant, Header: http.Header{},
		BearerToken: configopaque.String(os.Getenv("DEVLOGS_BEARER_TOKEN")),
	}
	for _, h := range c.headers {
		name, value, ok := strings.Cut(h, ":")
		if !ok || strings.TrimSpace(name) == "" {
			return nil, fmt.Errorf("--header needs 'Name: value', got %q", h)
		}
		config.Header.Add(strings.TrimSpace(name), strings.TrimSpace(value))
	}
	if c.tokenFile != "" {
		token, err := os.ReadFile(c.tokenFile)
		if err != nil {
			return nil, fmt.Errorf("read --bearer-token-file: %w", err)
		}
		config.BearerToken = configopaque.String(strings.TrimSpace(string(token)))
	}
	config.TLS.CAFile, config.TLS.CertFile, config.TLS.KeyFile = c.ca, c.cert, c.key
	config.TLS.InsecureSkipVerify = c.insecure
	return client.New(ctx, config)
}
