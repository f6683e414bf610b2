package lokiapi

import (
	"encoding/json"
	"strconv"

	"github.com/instantdevlogs/devlogs/logql/engine"
)

// number is a point as Prometheus' API writes it: [seconds, "value"], with milliseconds where there are some.
type number engine.Point

func (n number) MarshalJSON() ([]byte, error) {
	b := append([]byte(nil), '[')
	b = appendSeconds(b, n.Time)
	b = append(b, `,"`...)
	b = strconv.AppendFloat(b, n.Value, 'f', -1, 64)
	return append(b, `"]`...), nil
}

// appendSeconds appends nanoseconds as seconds, to the millisecond.
func appendSeconds(b []byte, ns int64) []byte {
	ms := ns / 1e6
	if ms < 0 {
		b, ms = append(b, '-'), -ms
	}
	b = strconv.AppendInt(b, ms/1000, 10)
	if part := ms % 1000; part != 0 {
		b = append(b, '.', byte('0'+part/100), byte('0'+part/10%10), byte('0'+part%10))
	}
	return b
}

var _ json.Marshaler = number{}

// sample is one series of a vector.
type sample struct {
	Metric map[string]string `json:"metric"`
	Value  number            `json:"value"`
}

// numberSeries is one series of a matrix.
type numberSeries struct {
	Metric map[string]string `json:"metric"`
	Values []number          `json:"values"`
}

// numbersOf gives a metric query's result its shape, and tells how many series or samples there are.
func numbersOf(r engine.Result) (shape any, n int) {
	switch r.Type {
	case engine.TypeScalar:
		return number(r.Scalar), 1
	case engine.TypeVector:
		vector := make([]sample, len(r.Vector))
		for i, s := range r.Vector {
			vector[i] = sample{s.Metric.Map(), number(s.Point)}
		}
		return vector, len(vector)
	default:
		matrix := make([]numberSeries, len(r.Matrix))
		for i, s := range r.Matrix {
			matrix[i] = numberSeries{s.Metric.Map(), make([]number, len(s.Points))}
			for k, p := range s.Points {
				matrix[i].Values[k] = number(p)
			}
		}
		return matrix, len(matrix)
	}
}
