// Package e2e tests the built binary from outside: real processes, real sockets, real data directories, and the
// configuration that ships. process_test.go runs a copy, send_test.go and read_test.go are its clients; every other file
// is one promise to users.
package e2e
