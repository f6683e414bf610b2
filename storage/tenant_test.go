package storage

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestTenantIsAShortTextWithoutControlCharacters(t *testing.T) {
	for _, name := range []string{"", "a", "größe", "a b/c#1", strings.Repeat("x", MaxTenant)} {
		assert.NoError(t, CheckTenant(name), "%q", name)
	}
	for name, want := range map[string]string{
		strings.Repeat("x", MaxTenant+1): "has 257 bytes: at most 256", "a\tb": "control character", "a\x00": "control character",
		"a\u0085b": "control character", "a\u009bb": "control character", "\x85": "not UTF-8", "a\xff": "not UTF-8",
	} {
		assert.ErrorContains(t, CheckTenant(name), want, "%q", name)
	}
}
