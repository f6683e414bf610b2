package queryapi

import (
	"fmt"
	"strconv"

	"github.com/instantdevlogs/devlogs/queryapi/logplan"
	"github.com/instantdevlogs/devlogs/storage"
)

// maxSeverity is the last of OTLP's severity numbers; each level has four.
const maxSeverity = 24

// parseLevel reads a level's name, one of the texts that mean it, or a severity number, and gives the number it starts at.
func parseLevel(s string) (int32, error) {
	if n, err := strconv.ParseInt(s, 10, 32); err == nil && n >= 1 && n <= maxSeverity {
		return int32(n), nil
	}
	if name := logplan.Level(0, s); name != logplan.LevelUnknown {
		return firstSeverity(name), nil
	}
	return 0, fmt.Errorf("a level is trace, debug, info, warn, error, fatal or a severity number from 1 to %d, got %q", maxSeverity, s)
}

// firstSeverity is the least severity number of a level; 0 for the unknown one.
func firstSeverity(level string) int32 {
	for n := int32(1); n <= maxSeverity; n++ {
		if logplan.Level(n, "") == level {
			return n
		}
	}
	return 0
}

// atLeast matches the records whose severity number, or else the first number of the level that their text means, is severity
// or greater.
func atLeast(severity int32) storage.Expr {
	number := storage.FieldRef{Kind: storage.FieldSeverity}
	return storage.Or{
		storage.Number{Field: number, Op: storage.NumberGreaterEqual, Value: float64(severity)},
		storage.And{
			storage.Number{Field: number, Op: storage.NumberLessEqual, Value: 0},
			logplan.LevelCondition(func(level string) bool { return firstSeverity(level) >= severity }),
		},
	}
}
