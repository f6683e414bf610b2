package queryapi

import (
	"bytes"
	"context"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/legacy"
	"github.com/stretchr/testify/require"

	"github.com/instantdevlogs/devlogs/queryapi/lokiapi"
)

var openAPIRouter = sync.OnceValues(func() (routers.Router, error) {
	doc, err := openapi3.NewLoader().LoadFromData(openAPI)
	if err != nil {
		return nil, err
	}
	return legacy.NewRouter(doc)
})

// conform checks an exchange against openapi.yaml: every answer, and the request too when it was answered with 200.
func conform(t testing.TB, request *http.Request, response *http.Response, body []byte) {
	t.Helper()
	router, err := openAPIRouter()
	require.NoError(t, err)
	bare := request.Clone(context.Background())
	bare.URL.Host, bare.URL.Scheme, bare.Host = "", "", ""
	route, path, err := router.FindRoute(bare)
	if response.StatusCode == http.StatusNotFound && err != nil {
		return
	}
	require.NoError(t, err, request.URL)
	input := &openapi3filter.RequestValidationInput{Request: bare, PathParams: path, Route: route}
	if response.StatusCode == http.StatusOK {
		require.NoError(t, openapi3filter.ValidateRequest(context.Background(), input), request.URL)
	}
	if response.Header.Get("Content-Type") != "application/json" {
		kind, _, _ := strings.Cut(response.Header.Get("Content-Type"), ";")
		documented := route.Operation.Responses.Status(response.StatusCode)
		if documented == nil {
			documented = route.Operation.Responses.Default()
		}
		require.Contains(t, documented.Value.Content, kind)
		return
	}
	output := &openapi3filter.ResponseValidationInput{
		RequestValidationInput: input, Status: response.StatusCode, Header: response.Header,
		Options: &openapi3filter.Options{IncludeResponseStatus: true, MultiError: true},
	}
	output.SetBodyBytes(bytes.Clone(body))
	require.NoError(t, openapi3filter.ValidateResponse(context.Background(), output), "%s: %s", request.URL, body)
}

func TestOpenAPIDocumentIsValidAndServed(t *testing.T) {
	api := newTestAPI(t)
	body := api.get("/api/v1/openapi.yaml", nil).body
	doc, err := openapi3.NewLoader().LoadFromData([]byte(body))
	require.NoError(t, err)
	require.NoError(t, doc.Validate(context.Background()))
}

// TestOpenAPINamesWhatIsServed compares the document, the index and the routes: each endpoint is in all three.
func TestOpenAPINamesWhatIsServed(t *testing.T) {
	api := newTestAPI(t)
	api.write("", logsOf(entry{body: "x"}))
	doc, err := openapi3.NewLoader().LoadFromData(openAPI)
	require.NoError(t, err)
	var index indexAnswer
	api.ok("/", nil, &index)
	var loki []string
	for path, item := range doc.Paths.Map() {
		if slices.Contains(item.Get.Tags, "loki") {
			loki = append(loki, path)
			continue
		}
		real := strings.NewReplacer("{id}", "1-0", "{name}", "level").Replace(path)
		switch path {
		case "/api/v1/logs/tail": // it has no end
			require.Equal(t, http.StatusOK, api.head(real))
		case "/api/v1/explain":
			require.Equal(t, http.StatusOK, api.get(real, query("query", "{}")).status)
		default:
			got := api.get(real, nil)
			require.Equal(t, http.StatusOK, got.status, "%s: %s", path, got.body)
		}
		if path != "/" && path != index.Documentation {
			require.Contains(t, index.Endpoints, path)
		}
	}
	require.Len(t, index.Endpoints, doc.Paths.Len()-len(loki)-2+1, "the index names Loki's as one")
	served := []string{"/ready"}
	for _, endpoint := range lokiapi.Endpoints() {
		served = append(served, endpoint.Path)
	}
	require.ElementsMatch(t, served, loki)
}

// TestOpenAPINamesEveryParameter asks each endpoint with a parameter it can't know, and compares those it says it takes.
func TestOpenAPINamesEveryParameter(t *testing.T) {
	api := newTestAPI(t)
	doc, err := openapi3.NewLoader().LoadFromData(openAPI)
	require.NoError(t, err)
	for path, item := range doc.Paths.Map() {
		if !strings.HasPrefix(path, "/api/v1/") || path == "/api/v1/openapi.yaml" {
			continue
		}
		var documented []string
		for _, p := range item.Get.Parameters {
			if p.Value.In == openapi3.ParameterInQuery {
				documented = append(documented, p.Value.Name)
			}
		}
		real := strings.NewReplacer("{id}", "1-0", "{name}", "level").Replace(path)
		err := api.refused(http.StatusBadRequest, real, query("no_such_parameter", "1"))
		taken := strings.Split(strings.TrimPrefix(err.Hint, "it takes "), ", ")
		if len(documented) == 0 {
			documented = []string{"none"}
		}
		require.ElementsMatch(t, documented, taken, path)
	}
}
