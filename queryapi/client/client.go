package client

import (
	"cmp"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"time"

	"go.opentelemetry.io/collector/config/configopaque"
	"go.opentelemetry.io/collector/config/configtls"
)

// Config says which server to ask and as whom.
type Config struct {
	// Address is host:port, or a URL when the server uses TLS or has a path of its own before /api.
	Address string
	// Tenant goes to the server as X-Scope-OrgID; "" is the default tenant.
	Tenant string
	// BearerToken, when not empty, goes to the server in the Authorization header.
	BearerToken configopaque.String
	// Header is sent with every request.
	Header http.Header
	// TLS is used for https addresses.
	TLS configtls.ClientConfig
}

// Client asks one server. It is safe for concurrent use.
type Client struct {
	base   *url.URL
	header http.Header
	http   *http.Client
}

// New checks the configuration; it does not connect yet.
func New(ctx context.Context, config Config) (*Client, error) {
	base, err := parseAddress(config.Address)
	if err != nil {
		return nil, err
	}
	var secure *tls.Config
	if base.Scheme == "https" {
		if secure, err = config.TLS.LoadTLSConfig(ctx); err != nil {
			return nil, fmt.Errorf("read the TLS settings: %w", err)
		}
	}
	header := config.Header.Clone()
	if header == nil {
		header = http.Header{}
	}
	if config.Tenant != "" {
		header.Set("X-Scope-OrgID", config.Tenant)
	}
	if config.BearerToken != "" {
		header.Set("Authorization", "Bearer "+string(config.BearerToken))
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.TLSClientConfig = secure
	transport.ResponseHeaderTimeout = 5 * time.Minute
	return &Client{base: base, header: header, http: &http.Client{Transport: transport}}, nil
}

// Close gives back idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Get asks for a path such as "/api/v1/stats" and decodes the answer into out.
func (c *Client) Get(ctx context.Context, path string, query url.Values, out any) error {
	body, err := c.Stream(ctx, path, query)
	if err != nil {
		return err
	}
	defer body.Close()
	if err := json.NewDecoder(body).Decode(out); err != nil {
		return fmt.Errorf("read the answer of %s: %w", c.base.Host, err)
	}
	return nil
}

// Stream asks for a path and returns the body of the answer, which the caller closes. A server's error is an *Error.
func (c *Client) Stream(ctx context.Context, path string, query url.Values) (io.ReadCloser, error) {
	return c.stream(ctx, path, query, nil)
}

// stream is Stream with more headers.
func (c *Client) stream(ctx context.Context, path string, query url.Values, header http.Header) (io.ReadCloser, error) {
	address := c.base.JoinPath(path)
	address.RawQuery = query.Encode()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address.String(), nil)
	if err != nil {
		return nil, err
	}
	maps.Copy(request.Header, c.header)
	maps.Copy(request.Header, header)
	response, err := c.http.Do(request)
	if err != nil {
		return nil, c.explain(err)
	}
	if response.StatusCode != http.StatusOK {
		defer response.Body.Close()
		return nil, c.readError(response)
	}
	if response.Header.Get("Content-Type") == "text/html" {
		response.Body.Close()
		return nil, fmt.Errorf("%s answers with a web page: is it another program's port?", c.base.Host)
	}
	return response.Body, nil
}

// explain turns a failure to connect into a next step.
func (c *Client) explain(err error) error {
	var unknown *net.DNSError
	var notTLS tls.RecordHeaderError
	var untrusted *tls.CertificateVerificationError
	switch {
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	case errors.Is(err, syscall.ECONNREFUSED):
		return fmt.Errorf("nothing listens on %s: start it with `devlogs`, or name a running one with --address or DEVLOGS_QUERY_ENDPOINT",
			c.base.Host)
	case errors.As(err, &unknown):
		return fmt.Errorf("there is no host named %q: check --address", c.base.Hostname())
	case errors.As(err, &untrusted):
		return fmt.Errorf("the certificate of %s is not trusted: name its authority with --tls-ca (%w)", c.base.Host, untrusted)
	case errors.As(err, &notTLS), strings.Contains(err.Error(), "server gave HTTP response to HTTPS client"):
		return fmt.Errorf("%s does not speak TLS: use --address http://%s", c.base.Host, c.base.Host)
	default:
		var outer *url.Error // it repeats the whole URL
		if errors.As(err, &outer) {
			err = outer.Err
		}
		return fmt.Errorf("ask %s: %w", c.base.Host, err)
	}
}

// Error is what a server answered instead of a result.
type Error struct {
	Status   int    `json:"-"`
	Code     string `json:"code"`
	Message  string `json:"message"`
	Hint     string `json:"hint"`
	Position *int   `json:"position"`
	Setting  string `json:"setting"`
}

func (e *Error) Error() string {
	if e.Hint == "" {
		return e.Message
	}
	return e.Message + " (" + e.Hint + ")"
}

func (c *Client) readError(response *http.Response) error {
	text, _ := io.ReadAll(io.LimitReader(response.Body, 64<<10)) // part of an error text is better than none
	answer := struct{ Error *Error }{&Error{}}
	if json.Unmarshal(text, &answer) == nil && answer.Error != nil && answer.Error.Message != "" {
		answer.Error.Status = response.StatusCode
		return answer.Error
	}
	if strings.HasPrefix(response.Header.Get("Content-Type"), "text/plain") && strings.Contains(response.Request.URL.Path, "/loki/") && len(text) > 0 {
		return &Error{Status: response.StatusCode, Message: strings.TrimSpace(string(text))} // Loki's errors are bare texts
	}
	e := &Error{Status: response.StatusCode, Message: fmt.Sprintf("%s answered %s", c.base.Host, response.Status)}
	switch response.StatusCode {
	case http.StatusUnauthorized, http.StatusForbidden:
		e.Code, e.Hint = "unauthorized", "it asks for credentials: use --bearer-token-file or --header"
	case http.StatusNotFound:
		e.Code, e.Hint = "not_found", "is it a query_api of devlogs?"
	case http.StatusBadRequest:
		if strings.Contains(string(text), "HTTPS") {
			e.Hint = "it speaks TLS: use --address https://" + c.base.Host
		}
	}
	if e.Hint == "" {
		e.Hint = strings.TrimSpace(string(text[:min(len(text), 200)]))
	}
	return e
}

// parseAddress reads host:port or a URL. An address to listen on, such as ":3100" or "0.0.0.0:3100", means this machine.
func parseAddress(address string) (*url.URL, error) {
	if !strings.Contains(address, "://") {
		address = "http://" + address
	}
	u, err := url.Parse(address)
	if err != nil {
		return nil, fmt.Errorf("the address %q can't be read: use host:port or a URL", address)
	}
	if u.Scheme != "http" && u.Scheme != "https" {
		return nil, fmt.Errorf("the address %q is neither http:// nor https://", address)
	}
	host := cmp.Or(u.Hostname(), "localhost")
	if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() {
		host = "localhost"
	}
	switch port := u.Port(); {
	case port != "":
		u.Host = net.JoinHostPort(host, port)
	case u.Scheme == "http" && u.Path == "":
		u.Host = net.JoinHostPort(host, "3100")
	case strings.Contains(host, ":"):
		u.Host = "[" + host + "]"
	default:
		u.Host = host
	}
	return u, nil
}
