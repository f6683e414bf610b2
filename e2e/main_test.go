package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"go.uber.org/goleak"

	"github.com/instantdevlogs/devlogs/internal/testservices"
)

// binary is the devlogs that all tests run.
var binary string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "devlogs-e2e-")
	if err != nil {
		panic(err)
	}
	binary = filepath.Join(dir, "devlogs")
	build := exec.Command("go", "build", "-ldflags", "-s -w", "-o", binary, "../cmd/devlogs") // as make build does
	build.Stdout, build.Stderr = os.Stdout, os.Stderr
	if err := build.Run(); err != nil {
		fmt.Fprintln(os.Stderr, "building devlogs:", err)
		os.Exit(1)
	}
	code := testservices.Run(m)
	if code == 0 {
		if err := goleak.Find(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	_ = os.RemoveAll(dir)
	os.Exit(code)
}
