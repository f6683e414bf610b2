package e2e

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
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// authority makes certificate authorities of one's own, each with a server certificate for 127.0.0.1.
type authority struct{ ca, cert, key string }

func newAuthority(t *testing.T) authority {
	t.Helper()
	dir := t.TempDir()
	write := func(name, kind string, der []byte) string {
		file := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600))
		return file
	}
	sign := func(c, by *x509.Certificate, byKey *ecdsa.PrivateKey) ([]byte, *ecdsa.PrivateKey) {
		c.NotBefore, c.NotAfter, c.BasicConstraintsValid = time.Now().Add(-time.Hour), time.Now().Add(time.Hour), true
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		require.NoError(t, err)
		if by == nil {
			by, byKey = c, key
		}
		der, err := x509.CreateCertificate(rand.Reader, c, by, &key.PublicKey, byKey)
		require.NoError(t, err)
		return der, key
	}
	ca := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "an authority"}, IsCA: true, KeyUsage: x509.KeyUsageCertSign}
	caDER, caKey := sign(ca, nil, nil)
	server := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "a server"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	serverDER, serverKey := sign(server, ca, caKey)
	keyDER, err := x509.MarshalPKCS8PrivateKey(serverKey)
	require.NoError(t, err)
	return authority{
		ca: write("ca.pem", "CERTIFICATE", caDER), cert: write("server.pem", "CERTIFICATE", serverDER), key: write("server.key", "PRIVATE KEY", keyDER),
	}
}

// play → record → record → sink, the hops that can be with TLS: play trusts the first tap, that one the second, both by an
// authority of one's own. Everything arrives as it was sent; who trusts another authority is told so at once.
func TestReplayAndRecordSpeakTLS(t *testing.T) {
	d := newCopy(t) // for its commands only
	own, other := newAuthority(t), newAuthority(t)
	r := generate(t, d, 500, 20)
	for _, protocol := range []string{"http", "grpc"} {
		t.Run(protocol, func(t *testing.T) {
			ports := freePorts(t, 4)
			secure := map[string]string{"http": "https://", "grpc": "grpcs://"}[protocol]
			dir := t.TempDir()
			stored := filepath.Join(dir, "stored.jsonl")
			sink := inBackground(t, "replay", "sink", "--grpc", ports[0], "--http", ports[1], "-o", stored)
			sink.says(ports[1])
			tap := func(name, listen, to, ca string) *background {
				b := inBackground(t, "replay", "record", "--listen", listen, "--to", to, "--upstream-ca", ca,
					"--tls-cert", own.cert, "--tls-key", own.key, "-o", filepath.Join(dir, name))
				b.says("Ctrl-C ends it")
				return b
			}
			second := tap("second", ports[2], "grpc://"+ports[0]+",http://"+ports[1], own.ca)
			first := tap("first", ports[3], secure+ports[2], own.ca)
			play := func(run, ca string, flags ...string) (string, error) {
				return d.command(append([]string{
					"replay", "play", r.recording, "--to", secure + ports[3], "--tls-ca", ca, "--pace", "asap", "--event-time", "keep", "--ledger", filepath.Join(dir, run),
				}, flags...)...)
			}
			out, err := play("run", own.ca)
			require.NoError(t, err, out)

			out, err = play("untrusted", other.ca)
			require.Equal(t, 1, exitCode(t, err), out)
			require.Contains(t, out, "certificate signed by unknown authority")
			require.Contains(t, out, "--tls-ca")

			for _, b := range []*background{first, second, sink} {
				b.interrupt()
				code, said := b.ended()
				require.Zero(t, code, said)
			}
			out, err = d.command("replay", "verify", filepath.Join(dir, "run"), "--source", "file="+stored, "--settle", "1ms", "--delivery", "exactly-once")
			require.NoError(t, err, out)
			require.Contains(t, out, delivered(500))

			// The tap whose upstream nobody vouches for says so to its client, who is told what to do.
			mistaken := inBackground(t, "replay", "record", "--listen", ports[0], "--to", secure+ports[3], "--upstream-ca", other.ca, "-o", filepath.Join(dir, "mistaken"))
			mistaken.says("Ctrl-C ends it")
			upstream := tap("upstream", ports[3], "grpc://"+ports[1]+",http://"+ports[1], own.ca)
			out, err = d.command("replay", "play", r.recording, "--to", map[string]string{"http": "http://", "grpc": "grpc://"}[protocol]+ports[0],
				"--pace", "asap", "--retry", "0")
			require.Equal(t, 5, exitCode(t, err), out)
			require.Contains(t, out, "certificate")
			upstream.interrupt()
			upstream.ended()
		})
	}
}
