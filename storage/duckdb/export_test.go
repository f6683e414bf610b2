package duckdb

import "context"

// DropExpired applies the retention now.
func DropExpired(s *Store, ctx context.Context) error { return s.dropExpired(ctx) }
