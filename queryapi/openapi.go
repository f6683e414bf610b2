package queryapi

import (
	_ "embed"
	"net/http"
)

// openAPI describes every endpoint. A test validates what the handlers really answer against it.
//
//go:embed openapi.yaml
var openAPI []byte

// document is an answer that is a file.
type document struct {
	contentType string
	content     []byte
}

func (d document) respond(w http.ResponseWriter, _ *http.Request) error {
	w.Header().Set("Content-Type", d.contentType)
	if _, err := w.Write(d.content); err != nil {
		return clientGone(err)
	}
	return nil
}

// openapi answers GET /api/v1/openapi.yaml.
func (s *server) openapi(*http.Request) (any, error) {
	return document{"application/yaml", openAPI}, nil
}
