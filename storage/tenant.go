package storage

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// MaxTenant is the most bytes of a tenant's name.
const MaxTenant = 256

// CheckTenant says what is wrong with a tenant's name; the empty name is one. Whoever takes logs and whoever answers queries
// ask here, so that nothing is stored under a name that no query can say.
func CheckTenant(tenant string) error {
	switch {
	case len(tenant) > MaxTenant:
		return fmt.Errorf("the tenant's name has %d bytes: at most %d are allowed", len(tenant), MaxTenant)
	case !utf8.ValidString(tenant):
		return errors.New("the tenant's name is not UTF-8")
	case strings.ContainsFunc(tenant, unicode.IsControl):
		return errors.New("the tenant's name holds a control character")
	}
	return nil
}
