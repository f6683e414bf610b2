package postgres

import (
	"testing"

	"github.com/instantdevlogs/devlogs/storage/storagetest"
)

func TestContract(t *testing.T) {
	for _, layout := range testLayouts(t) {
		t.Run(string(layout), func(t *testing.T) {
			storagetest.Run(t, func(t *testing.T) storagetest.Store { return openTest(t, layout) })
		})
	}
}
