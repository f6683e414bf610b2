package scrub_test

import (
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"github.com/instantdevlogs/devlogs/replay/recording"
	"github.com/instantdevlogs/devlogs/replay/scrub"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const key = "000102030405060708090a0b0c0d0e0f"

func scrubber(t require.TestingT, change func(*scrub.Policy)) *scrub.Scrubber {
	p := scrub.DefaultPolicy()
	p.Key = key
	if change != nil {
		change(&p)
	}
	s, err := scrub.New(p)
	require.NoError(t, err)
	return s
}

func message(t require.TestingT, body string, attributes map[string]any) *recording.Message {
	logs := plog.NewLogs()
	r := logs.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords().AppendEmpty()
	r.Body().SetStr(body)
	require.NoError(t, r.Attributes().FromRaw(attributes))
	b, err := (&plog.ProtoMarshaler{}).MarshalLogs(logs)
	require.NoError(t, err)
	return &recording.Message{Body: b, Records: 1}
}

func record(t require.TestingT, m *recording.Message) plog.LogRecord {
	logs, err := (&plog.ProtoUnmarshaler{}).UnmarshalLogs(m.Body)
	require.NoError(t, err)
	return logs.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().At(0)
}

func TestSecretsAreReplacedAtEqualLength(t *testing.T) {
	for text, rule := range map[string]string{
		"login of jane.doe+1@mail.example.com failed":               "email",
		"from 203.0.113.77, port 80":                                "ip",
		"peer 2001:db8:85a3:0:0:8a2e:370:7334 gone":                 "ip",
		"peer fe80::1 gone":                                         "ip",
		"Authorization: Bearer eyJhbGciOiJIUzI1NiJ9.e30.abc_DEF-1=": "bearer",
		"card 4111 1111 1111 1111 charged":                          "card",
		"card 4111-1111-1111-1111 charged":                          "card",
		"card=4111111111111111":                                     "card",
	} {
		s := scrubber(t, nil)
		m := message(t, text, nil)
		before := len(m.Body)
		require.NoError(t, s.Message(m))
		got := record(t, m).Body().Str()
		require.NotEqual(t, text, got)
		require.Len(t, got, len(text))
		require.Len(t, m.Body, before)
		require.Equal(t, map[string]int64{rule: 1}, s.Report().Hits, text)
		again := scrubber(t, nil)
		m2 := message(t, text, nil)
		require.NoError(t, again.Message(m2))
		require.Equal(t, got, record(t, m2).Body().Str(), "the same key gives the same pseudonym")
		require.NoError(t, again.Message(m2))
		require.Equal(t, got, record(t, m2).Body().Str(), "scrubbing twice changes nothing")
		other := scrubber(t, func(p *scrub.Policy) { p.Key = strings.Repeat("ab", 16) })
		m3 := message(t, text, nil)
		require.NoError(t, other.Message(m3))
		require.NotEqual(t, got, record(t, m3).Body().Str())
	}
}

func TestWhatIsNoSecretStays(t *testing.T) {
	for _, text := range []string{
		"", "order 4111111111111112 (fails the check digit)", "Chrome/141.0.0.0 Safari/537.36", "version 1.2.3", "at 10:20:30",
		"user@localhost", "ratio 12.5", "4711 items", "bearer of news",
	} {
		s := scrubber(t, nil)
		m := message(t, text, map[string]any{"http.status_code": 200, "ok": true, "user.id": "u-17"})
		want := message(t, text, map[string]any{"http.status_code": 200, "ok": true, "user.id": "u-17"})
		require.NoError(t, s.Message(m))
		require.Equal(t, record(t, want).Body().AsRaw(), record(t, m).Body().AsRaw())
		require.Zero(t, s.Report().Total(), text)
	}
}

// Pseudonyms of addresses stay addresses where the length allows, have the length of the original, and are stable.
func TestAddressesStayAddresses(t *testing.T) {
	s := scrubber(t, nil)
	rapid.Check(t, func(t *rapid.T) {
		a := netip.AddrFrom4([4]byte{rapid.ByteRange(100, 223).Draw(t, "a"), rapid.Byte().Draw(t, "b"), rapid.Byte().Draw(t, "c"), rapid.ByteRange(1, 255).Draw(t, "d")}).String()
		m := message(t, a, nil)
		require.NoError(t, s.Message(m))
		got := record(t, m).Body().Str()
		require.Len(t, got, len(a))
		parsed, err := netip.ParseAddr(got)
		require.NoError(t, err, "%s became %s", a, got)
		require.GreaterOrEqual(t, parsed.As4()[0], byte(240))
	})
}

func TestNestedValuesKeysAndHeaders(t *testing.T) {
	s := scrubber(t, func(p *scrub.Policy) {
		p.Rules = []scrub.Rule{{Name: "customer", Pattern: `customer=(\w+)`}}
	})
	m := message(t, "x customer=alice y", map[string]any{
		"db.password": "hunter2", "http": map[string]any{"request": map[string]any{"Authorization": "abc123"}},
		"list": []any{"ok", "bob@example.com"}, "raw": []byte("carol@example.com"), "api_key_id": 42, "count": 7,
	})
	m.Entry = &recording.Entry{Path: "/in?user=dave@example.com", Headers: map[string]string{"Cookie": "a=b", "X-User": "eve@example.com", "X-Ok": "1"}}
	require.NoError(t, s.Message(m))
	r := record(t, m)
	for _, secret := range []string{"alice", "hunter2", "abc123", "bob@example.com", "carol", "42"} {
		raw := r.Attributes().AsRaw()
		require.NotContains(t, r.Body().Str(), secret)
		v, _ := r.Attributes().Get("raw")
		require.NotContains(t, string(v.Bytes().AsRaw()), secret)
		delete(raw, "raw")
		for _, value := range raw {
			require.NotEqual(t, secret, value)
		}
	}
	require.True(t, strings.HasPrefix(r.Body().Str(), "x customer="))
	require.EqualValues(t, 7, r.Attributes().AsRaw()["count"])
	require.NotContains(t, m.Entry.Path, "dave")
	require.NotContains(t, m.Entry.Headers, "Cookie")
	require.NotContains(t, m.Entry.Headers["X-User"], "eve@")
	require.Equal(t, "1", m.Entry.Headers["X-Ok"])
	require.EqualValues(t, 1, s.Report().Hits["customer"])
}

func TestRawBodiesAreScrubbedAsText(t *testing.T) {
	s := scrubber(t, nil)
	m := &recording.Message{Raw: true, Body: []byte(`{"mail":"jane@example.com"}`), Entry: &recording.Entry{}}
	require.NoError(t, s.Message(m))
	require.NotContains(t, string(m.Body), "jane")
	m.Entry.Enc = "gzip"
	require.ErrorContains(t, s.Message(m), "cannot be scrubbed")
}

func TestBadPoliciesSayWhatIsWrongAndNeverShowTheKey(t *testing.T) {
	for want, change := range map[string]func(*scrub.Policy){
		"none of": func(p *scrub.Policy) { p.Presets = []string{"iban"} },
		"rule":    func(p *scrub.Policy) { p.Rules = []scrub.Rule{{Name: "x", Pattern: "("}} },
		"key":     func(p *scrub.Policy) { p.Key = "topsecret" },
		"NO_SUCH": func(p *scrub.Policy) { p.KeyEnv = "NO_SUCH_VARIABLE" },
	} {
		p := scrub.DefaultPolicy()
		change(&p)
		_, err := scrub.New(p)
		require.ErrorContains(t, err, want)
		require.NotContains(t, err.Error(), "topsecret")
	}
	file := filepath.Join(t.TempDir(), "p.yaml")
	require.NoError(t, os.WriteFile(file, []byte("prests: [email]\n"), 0o600))
	_, err := scrub.Load(file)
	require.ErrorContains(t, err, "prests")
	require.NoError(t, os.WriteFile(file, []byte("presets: [email]\n---\nattributes: [secret]\n"), 0o600))
	_, err = scrub.Load(file)
	require.ErrorContains(t, err, "after the first document")
	require.NoError(t, os.WriteFile(file, []byte("presets: [email]\n"), 0o600))
	p, err := scrub.Load(file)
	require.NoError(t, err)
	require.Equal(t, []string{"email"}, p.Presets)
	require.NotEmpty(t, p.Attributes)
}
