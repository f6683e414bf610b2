package timescaleexporter

import (
	"fmt"
	"os"
	"testing"

	"go.uber.org/goleak"

	"github.com/instantdevlogs/devlogs/internal/testservices"
)

// runAndExit is all of TestMain.
func runAndExit(m *testing.M) {
	code := testservices.Run(m)
	if err := goleak.Find(); code == 0 && err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}
