package jsonlogreceiver

import (
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/instantdevlogs/devlogs/receiver/jsonlogreceiver/internal/jsonmap"
)

// options are what one request asks for beside its body.
type options struct {
	tenant string
	key    string // Idempotency-Key, "" when there is none
	dryRun bool
	rules  *jsonmap.Rules
	query  url.Values
}

const (
	tenantHeader = "X-Scope-OrgID"
	keyHeader    = "Idempotency-Key"
	maxKeyBytes  = 255
)

func (r *jsonReceiver) readOptions(req *http.Request) (options, *refusal) {
	query, err := url.ParseQuery(req.URL.RawQuery)
	if err != nil {
		return options{}, badParameter("the query string can't be read: %v", err)
	}
	o := options{tenant: req.Header.Get(tenantHeader), key: req.Header.Get(keyHeader), query: query}
	if len(o.key) > maxKeyBytes { // what a tenant may be called is for the pipeline to say
		return options{}, badParameter("the header %s holds at most %d bytes", keyHeader, maxKeyBytes)
	}
	if o.dryRun, err = boolParameter(query, "dry_run"); err != nil {
		return options{}, badParameter("%v", err)
	}
	if o.rules, err = r.rulesFor(query, req.Header); err != nil {
		return options{}, badParameter("%v", err)
	}
	return o, nil
}

// checkMediaType lets bodies through that have no type, as those of simple clients, or one of the list.
func checkMediaType(req *http.Request, accepted []string) *refusal {
	header := req.Header.Get("Content-Type")
	if header == "" {
		return nil
	}
	mediaType, params, err := mime.ParseMediaType(header)
	if err != nil || !slices.Contains(accepted, mediaType) {
		return unsupportedMediaType(header, accepted)
	}
	switch charset := strings.ToLower(params["charset"]); charset {
	case "", "utf-8", "utf8", "us-ascii", "ascii":
		return nil
	default:
		return unsupportedCharset(charset)
	}
}

// jsonTypes are the content types of JSON in all its shapes; the last three are what curl, browsers' beacons and simple
// clients send when nobody says otherwise.
var jsonTypes = []string{
	"application/json", "application/x-ndjson", "application/ndjson", "application/jsonl", "application/jsonlines",
	"application/x-jsonlines", "application/stream+json", "application/json-seq", "application/vnd.serilog.clef",
	"text/json", "text/plain", "application/x-www-form-urlencoded", "application/octet-stream",
}
