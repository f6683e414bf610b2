package timescaleexporter

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/config/configopaque"
	"go.opentelemetry.io/collector/config/configoptional"
	"go.opentelemetry.io/collector/config/configtls"

	"github.com/instantdevlogs/devlogs/exporter/timescaleexporter/queue"
	"github.com/instantdevlogs/devlogs/internal/testservices"
)

// leastRights is the ACL that the operations guide gives.
func leastRights(t *testing.T) []any {
	t.Helper()
	guide, err := os.ReadFile("../../docs/operations.md")
	require.NoError(t, err)
	line := regexp.MustCompile(`(?m)^ACL SETUSER devlogs (.*)$`).FindSubmatch(guide)
	require.NotNil(t, line, "docs/operations.md has the line")
	args := []any{"ACL", "SETUSER", "devlogs"}
	for word := range strings.FieldsSeq(string(line[1])) {
		args = append(args, word)
	}
	return args
}

// Everything that the exporter and `devlogs queue` do, as a user with no more rights than the guide says, over TLS that wants
// a client's certificate.
func TestTheQueueNeedsNoMoreThanTheGuideSaysAndWorksOverTLS(t *testing.T) {
	files := newCertificates(t)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	port := strconv.Itoa(listener.Addr().(*net.TCPAddr).Port)
	require.NoError(t, listener.Close())
	server := testservices.Redis(t, "--tls-port", port, "--tls-auth-clients", "yes", "--tls-ca-cert-file", files("ca.pem"),
		"--tls-cert-file", files("server.pem"), "--tls-key-file", files("server.key"))
	admin := server.Client(t)
	require.NoError(t, admin.Do(t.Context(), leastRights(t)...).Err())

	r := rigOn(t, server, testservices.Postgres(t).DSN)
	r.redisURL = "rediss://devlogs:a-long-password@localhost:" + port + "/0"
	client := configtls.NewDefaultClientConfig()
	client.CAFile, client.CertFile, client.KeyFile = files("ca.pem"), files("client.pem"), files("client.key")
	secure := func(c *Config) {
		c.Redis.TLS = configoptional.Some(client)
		c.Drain.ClaimAfter = time.Second
	}
	gateway := r.start(RoleEnqueue, secure)
	require.NoError(t, gateway.ConsumeLogs(keyed(t, "k", ""), batch("keyed", 1)))
	require.NoError(t, gateway.ConsumeLogs(keyed(t, "k", ""), batch("keyed", 1)))
	stop := r.load(gateway, "load")
	first := r.start(RoleDrain, secure)
	r.start(RoleDrain, secure)
	require.Eventually(t, func() bool { return first.counted(t, "timescale_drain_records") > 100 }, time.Minute, 20*time.Millisecond)
	first.stop()
	stop()
	r.account()

	tlsConfig, err := client.LoadTLSConfig(t.Context())
	require.NoError(t, err)
	config := queue.DefaultConfig()
	config.URL = configopaque.String(r.redisURL)
	own, err := config.Connect(tlsConfig)
	require.NoError(t, err)
	defer own.Close()
	letterIsHandled(t, config, own)

	denied, err := admin.ACLLog(t.Context(), 100).Result()
	require.NoError(t, err)
	for _, d := range denied {
		// The library offers this by itself and goes on without.
		assert.Equal(t, "client|maint_notifications", d.Object, "%s was denied: %s", d.Username, d.Reason)
	}

	strangers := redis.NewClient(&redis.Options{Addr: "localhost:" + port, TLSConfig: tlsConfig, Username: "devlogs", Password: "a-long-password"})
	defer strangers.Close()
	for _, forbidden := range [][]any{{"GET", "other"}, {"FLUSHALL"}, {"XADD", "other", "*", "a", "b"}, {"CONFIG", "GET", "*"}, {"DEL", "{devlogs:0}:logs"}} {
		assert.ErrorContains(t, strangers.Do(t.Context(), forbidden...).Err(), "NOPERM", forbidden)
	}
}

// letterIsHandled makes a dead letter and does with it what `devlogs queue` does.
func letterIsHandled(t *testing.T, config queue.Config, client redis.UniversalClient) {
	t.Helper()
	c := queue.NewConsumer(config, client, 0, "test")
	require.NoError(t, c.Bury(t.Context(), nil, []queue.Letter{{Reason: "a", Record: -1}, {Reason: "b", Record: -1, Entry: queue.Entry{Records: 1}}}))
	letters := 0
	for letter, err := range queue.Letters(t.Context(), config, client, 0) {
		require.NoError(t, err)
		letters++
		if letter.Records == 0 {
			require.NoError(t, queue.Purge(t.Context(), config, client, letter))
		} else {
			require.NoError(t, queue.Requeue(t.Context(), config, client, letter))
		}
	}
	require.Equal(t, 2, letters)
	_, err := c.Claim(t.Context(), time.Second, 1)
	require.NoError(t, err)
	require.NoError(t, c.Leave(t.Context()))
}

// newCertificates makes an authority, and certificates of it for localhost and for a client, that the server's user can read.
func newCertificates(t *testing.T) (file func(name string) string) {
	t.Helper()
	dir := t.TempDir()
	require.NoError(t, os.Chmod(filepath.Dir(dir), 0o755))
	write := func(name, kind string, der []byte) {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o644))
	}
	certify := func(name string, serial int64, parent *x509.Certificate, parentKey *ecdsa.PrivateKey) (*x509.Certificate, *ecdsa.PrivateKey) {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		require.NoError(t, err)
		c := &x509.Certificate{
			SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
			DNSNames: []string{"localhost"}, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
			ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
			BasicConstraintsValid: true, IsCA: parent == nil,
		}
		if parent == nil {
			parent, parentKey = c, key
		}
		der, err := x509.CreateCertificate(rand.Reader, c, parent, &key.PublicKey, parentKey)
		require.NoError(t, err)
		write(name+".pem", "CERTIFICATE", der)
		pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
		require.NoError(t, err)
		write(name+".key", "PRIVATE KEY", pkcs8)
		return c, key
	}
	ca, caKey := certify("ca", 1, nil, nil)
	certify("server", 2, ca, caKey)
	certify("client", 3, ca, caKey)
	return func(name string) string { return filepath.Join(dir, name) }
}
