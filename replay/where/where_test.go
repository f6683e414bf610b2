package where_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/instantdevlogs/devlogs/replay/where"
)

func TestFilterKeepsWhatItsTermsSay(t *testing.T) {
	resource, scope, r := pcommon.NewResource(), pcommon.NewInstrumentationScope(), plog.NewLogRecord()
	resource.Attributes().PutStr("service.name", "checkout")
	resource.Attributes().PutStr("host.name", "h1")
	scope.SetName("lib")
	r.SetSeverityNumber(plog.SeverityNumberWarn2)
	r.Body().SetStr("payment was declined")
	r.Attributes().PutInt("http.status_code", 503)
	for text, want := range map[string]bool{
		"":                 true,
		"service=checkout": true, "service=cart": false, "service!=cart": true, "service = checkout": true,
		"severity>=WARN": true, "severity>warning": true, "severity>=ERROR": false, "severity=warn": true, "severity=13": false,
		"severity!=WARN": false, "severity<error": true,
		`body~"was (declined|lost)"`: true, `body!~"declined"`: false, `body="payment was declined"`: true,
		"http.status_code>=500": true, "http.status_code<500": false, "host.name=h1": true, "scope=lib": true,
		"missing=": false, "missing>1": false, "missing!=x": true,
		"service=checkout severity>=ERROR": false, "service=checkout severity>=WARN host.name~h.": true,
	} {
		f, err := where.Parse(text)
		if text == "missing=" {
			require.Error(t, err)
			continue
		}
		require.NoError(t, err, text)
		require.Equal(t, want, f.Keep(resource, scope, r), text)
	}
}

func TestBadFiltersSayWhatToWrite(t *testing.T) {
	for text, want := range map[string]string{
		"service": "a term is", "a=b c": "a term is", "severity>=LOUD": "no severity", "x>abc": "not a number",
		`body~"("`: "missing closing", `a="b`: "a term is",
	} {
		_, err := where.Parse(text)
		require.ErrorContains(t, err, want, text)
	}
}
