package source

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// client talks to an HTTP API that takes a tenant header.
type client struct {
	base      *url.URL
	tenant    string
	exclusive bool
	http      *http.Client
}

// newClient reads a base URL. What the client itself understands of its query is taken off; the rest is returned.
func newClient(text string) (*client, url.Values, error) {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, nil, fmt.Errorf("%q is not the URL of an API, as http://localhost:3100", text)
	}
	options := u.Query()
	c := &client{tenant: options.Get("tenant")}
	if c.exclusive, err = exclusive(options); err != nil {
		return nil, nil, err
	}
	options.Del("tenant")
	options.Del("exclusive")
	u.RawQuery = ""
	c.base = u
	// No overall timeout: an export may take as long as it has records. Silence is what ends it.
	c.http = &http.Client{Transport: &http.Transport{
		Proxy: http.ProxyFromEnvironment, ResponseHeaderTimeout: 2 * time.Minute, MaxIdleConnsPerHost: 4,
	}}
	return c, options, nil
}

// exclusive reads the option that says that nothing but the run is in a source.
func exclusive(options url.Values) (bool, error) {
	s := options.Get("exclusive")
	if s == "" {
		return false, nil
	}
	yes, err := strconv.ParseBool(s)
	if err != nil {
		return false, fmt.Errorf("exclusive=%s: write true or false", s)
	}
	return yes, nil
}

// get opens an answer. The caller closes it.
func (c *client) get(ctx context.Context, path string, query url.Values, header http.Header) (io.ReadCloser, error) {
	u := c.base.JoinPath(path)
	u.RawQuery = query.Encode()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, err
	}
	if header != nil {
		request.Header = header
	}
	if c.tenant != "" {
		request.Header.Set("X-Scope-OrgID", c.tenant)
	}
	response, err := c.http.Do(request)
	if err != nil {
		return nil, err
	}
	if response.StatusCode == http.StatusOK {
		return response.Body, nil
	}
	text, _ := io.ReadAll(io.LimitReader(response.Body, 1<<10)) // it is for people: a part of it will do
	return nil, errors.Join(fmt.Errorf("GET %s: %s: %s", path, response.Status, strings.TrimSpace(string(text))), response.Body.Close())
}

func (c *client) getJSON(ctx context.Context, path string, query url.Values, header http.Header, answer any) error {
	body, err := c.get(ctx, path, query, header)
	if err != nil {
		return err
	}
	defer body.Close()
	if err := json.NewDecoder(body).Decode(answer); err != nil {
		return fmt.Errorf("GET %s: read the answer: %w", path, err)
	}
	return nil
}

// Close ends idle connections.
func (c *client) Close() error {
	c.http.CloseIdleConnections()
	return nil
}
