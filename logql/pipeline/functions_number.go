package pipeline

import (
	"errors"
	"math"
	"strconv"
	"strings"
	"text/template"

	"github.com/dustin/go-humanize"
)

var errDivision = errors.New("division by zero")

// numberFunctions calculate with integers, and under names that end in f with floating point. Text counts as the number
// it holds; what holds none counts as 0.
func numberFunctions() template.FuncMap {
	return template.FuncMap{
		"add": func(all ...any) int64 { return fold(0, all, toInt, func(a, b int64) int64 { return a + b }) },
		"sub": func(a, b any) int64 { return toInt(a) - toInt(b) },
		"mul": func(a any, more ...any) int64 {
			return fold(toInt(a), more, toInt, func(a, b int64) int64 { return a * b })
		},
		"div": func(a, b any) (int64, error) {
			if toInt(b) == 0 {
				return 0, errDivision
			}
			return toInt(a) / toInt(b), nil
		},
		"mod": func(a, b any) (int64, error) {
			if toInt(b) == 0 {
				return 0, errDivision
			}
			return toInt(a) % toInt(b), nil
		},
		"max": func(a any, more ...any) int64 {
			return fold(toInt(a), more, toInt, func(a, b int64) int64 { return max(a, b) })
		},
		"min": func(a any, more ...any) int64 {
			return fold(toInt(a), more, toInt, func(a, b int64) int64 { return min(a, b) })
		},
		"addf": func(all ...any) float64 { return fold(0, all, toFloat, func(a, b float64) float64 { return a + b }) },
		"subf": func(a any, more ...any) float64 {
			return fold(toFloat(a), more, toFloat, func(a, b float64) float64 { return a - b })
		},
		"mulf": func(a any, more ...any) float64 {
			return fold(toFloat(a), more, toFloat, func(a, b float64) float64 { return a * b })
		},
		"divf": func(a any, more ...any) float64 {
			return fold(toFloat(a), more, toFloat, func(a, b float64) float64 { return a / b })
		},
		"maxf":    func(a any, more ...any) float64 { return fold(toFloat(a), more, toFloat, math.Max) },
		"minf":    func(a any, more ...any) float64 { return fold(toFloat(a), more, toFloat, math.Min) },
		"ceil":    func(a any) float64 { return math.Ceil(toFloat(a)) },
		"floor":   func(a any) float64 { return math.Floor(toFloat(a)) },
		"round":   round,
		"int":     func(a any) int { return int(toInt(a)) },
		"float64": toFloat,
		"bytes": func(s string) (float64, error) {
			n, err := humanize.ParseBytes(s)
			return float64(n), err
		},
	}
}

func fold[T int64 | float64](start T, more []any, convert func(any) T, join func(a, b T) T) T {
	for _, v := range more {
		start = join(start, convert(v))
	}
	return start
}

// round rounds to a number of decimals; the last digit goes up when what follows it is at least on (0.5 by default).
func round(a any, decimals int, on ...float64) float64 {
	limit := 0.5
	if len(on) > 0 {
		limit = on[0]
	}
	scale := math.Pow(10, float64(decimals))
	digits := scale * toFloat(a)
	_, rest := math.Modf(digits)
	if rest >= limit {
		return math.Ceil(digits) / scale
	}
	return math.Floor(digits) / scale
}

func toInt(v any) int64 {
	switch v := v.(type) {
	case string:
		v = strings.TrimSpace(v)
		if n, err := strconv.ParseInt(v, 0, 64); err == nil {
			return n
		}
		if n, err := strconv.ParseInt(v, 10, 64); err == nil {
			return n
		}
		f, err := strconv.ParseFloat(v, 64)
		if err != nil || math.IsNaN(f) || math.Abs(f) >= math.MaxInt64 {
			return 0
		}
		return int64(f)
	case int:
		return int64(v)
	case int64:
		return v
	case float64:
		return int64(v)
	case bool:
		if v {
			return 1
		}
	}
	return 0
}

func toFloat(v any) float64 {
	switch v := v.(type) {
	case string:
		f, err := strconv.ParseFloat(strings.TrimSpace(v), 64)
		if err != nil {
			return 0
		}
		return f
	case float64:
		return v
	default:
		return float64(toInt(v))
	}
}
