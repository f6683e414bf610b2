package testservices

import (
	"fmt"
	"os"
	"sync"
	"testing"
)

// shared is what the tests of one binary have in common.
var shared struct {
	sync.Mutex
	running  bool
	postgres *PostgresServer
	err      error
	next     int // numbers the databases
}

// Run runs the tests and then stops what they shared. It returns the code to exit with.
func Run(m *testing.M) int {
	shared.running = true
	code := m.Run()
	shared.Lock()
	defer shared.Unlock()
	if shared.postgres != nil {
		if err := shared.postgres.close(); err != nil {
			fmt.Fprintln(os.Stderr, "testservices: stop PostgreSQL:", err)
			code = max(code, 1)
		}
	}
	return code
}
