package queryapi

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// guardHosts refuses requests for a host that is not this machine, unless it is allowed, while local says that the server
// listens on loopback. A page of another site could otherwise have its own name resolve to this machine, and then be of the
// same origin as the logs (DNS rebinding). Only a browser that was deceived so asks a loopback address for a foreign host,
// or a reverse proxy.
func guardHosts(next http.Handler, local func() bool, allowed []string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if host := hostName(r.Host); local() && !isLocal(host) && !slices.ContainsFunc(allowed, func(a string) bool { return hostName(a) == host }) {
			writeError(w, &apiError{
				Code: codeForbidden, Setting: "allowed_hosts",
				Message: fmt.Sprintf("this server listens on loopback and was asked for the host %q", host),
				Hint:    "ask localhost, or list the host in allowed_hosts of query_api when a reverse proxy passes it on",
			})
			return
		}
		next.ServeHTTP(w, r)
	})
}

// hostName is a host without its port, in the one form in which hosts are compared.
func hostName(hostport string) string {
	host, _, err := net.SplitHostPort(hostport)
	if err != nil {
		host = strings.Trim(hostport, "[]") // without a port
	}
	return strings.ToLower(strings.TrimSuffix(host, "."))
}

// isLocal tells whether a host names this machine, whatever resolves it. Without a host it is no browser that asks.
func isLocal(host string) bool {
	address, err := netip.ParseAddr(host)
	return host == "" || host == "localhost" || err == nil && address.IsLoopback()
}

// listensLocally tells whether an address can be reached from this machine only.
func listensLocally(address net.Addr) bool {
	tcp, ok := address.(*net.TCPAddr)
	return ok && tcp.IP.IsLoopback()
}
