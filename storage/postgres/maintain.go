package postgres

import "context"

func (s *Store) maintain(ctx context.Context) {}
