package jsonlogreceiver

import (
	"bufio"
	"compress/gzip"
	"errors"
	"io"
	"slices"

	"go.opentelemetry.io/collector/config/confighttp"
)

// encodings are what this receiver decodes otherwise than confighttp does.
func (c *Config) encodings() []confighttp.ToServerOption {
	options := []confighttp.ToServerOption{
		confighttp.WithDecoder("identity", func(io.ReadCloser) (io.ReadCloser, error) { return nil, nil }), // the body stays as it is
	}
	if enabled := c.ServerConfig.CompressionAlgorithms; enabled == nil || slices.Contains(enabled, "gzip") {
		options = append(options, confighttp.WithDecoder("gzip", newGunzip))
	}
	return options
}

var errAfterGzip = errors.New("garbage after the gzip stream: the body goes on with bytes that are no gzip")

// gunzip reads gzip members, RFC 1952, one after the other. It tells a member that is cut off from bytes behind the last one
// that begin none; gzip.Reader calls few such bytes cut off, too.
type gunzip struct {
	src    *bufio.Reader // gzip.Reader takes no more of it than its member has
	member *gzip.Reader
	body   io.Closer
}

func newGunzip(body io.ReadCloser) (io.ReadCloser, error) {
	src := bufio.NewReader(body)
	member, err := gzip.NewReader(src)
	if err != nil {
		return nil, err
	}
	member.Multistream(false)
	return &gunzip{src, member, body}, nil
}

func (g *gunzip) Read(p []byte) (int, error) {
	n, err := g.member.Read(p)
	if !errors.Is(err, io.EOF) {
		return n, err
	}
	magic, err := g.src.Peek(2)
	switch {
	case len(magic) == 0: // the end, or why it can't be read
		return n, err
	case len(magic) < 2 || magic[0] != 0x1f || magic[1] != 0x8b:
		return n, errAfterGzip
	}
	if err := g.member.Reset(g.src); err != nil {
		return n, err
	}
	g.member.Multistream(false)
	return n, nil
}

func (g *gunzip) Close() error { return errors.Join(g.member.Close(), g.body.Close()) }
