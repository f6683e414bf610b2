package report

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"math"
	"time"

	"github.com/instantdevlogs/devlogs/replay/gate"
	"github.com/instantdevlogs/devlogs/replay/verify"
)

//go:embed report.html.tmpl
var pageText string

var pageTemplate = template.Must(template.New("report").Parse(pageText))

const (
	blue, orange, green = "#2563eb", "#d97706", "#059669"
)

// WriteHTML writes one page that needs no other file and no network.
func (r *Results) WriteHTML(w io.Writer) error {
	charts, err := r.charts()
	if err != nil {
		return err
	}
	return pageTemplate.Execute(w, struct {
		Failed, Total int
		Started       string
		Facts         [][2]string
		Assertions    []gate.Assertion
		Charts        []template.HTML
	}{r.failed(), len(r.Assertions()), r.Started.UTC().Format(time.RFC3339), r.facts(), r.Assertions(), charts})
}

func (r *Results) charts() (all []template.HTML, err error) {
	s, err := r.readSeries()
	if err != nil {
		return nil, err
	}
	add := func(c chart) {
		if svg := c.svg(); svg != "" {
			all = append(all, svg)
		}
	}
	if s != nil {
		x := make([]float64, len(s.due))
		for i := range x {
			x[i] = float64(i) * s.step.Seconds()
		}
		add(chart{"Records a second", []line{{"due", orange, x, s.due}, {"acknowledged", blue, x, s.acked}}, seconds, count})
		add(chart{"Backlog: due and not acknowledged yet", []line{{"records", blue, x, s.backlog}}, seconds, count})
	}
	var curves []line
	if r.Verify != nil && r.Verify.Latency != nil {
		l := r.Verify.Latency
		curves = appendCurve(curves, "ack", blue, &l.Ack)
		curves = appendCurve(curves, "sender's lag", green, &l.Lag)
	}
	if r.Queryable != nil {
		curves = appendCurve(curves, "queryable", orange, &r.Queryable.Upper)
	}
	add(chart{"Latency by percentile", curves, func(x float64) string { return fmt.Sprintf("%.6g %%", 100-100*math.Pow(10, -x)) }, micros})
	if q := r.Queryable; q != nil {
		acked, visible := line{name: "acknowledged", colour: orange}, line{name: "visible", colour: blue}
		for _, m := range q.Watermark {
			acked.x, acked.y = append(acked.x, m.At.Seconds()), append(acked.y, float64(m.Acked))
			visible.x, visible.y = append(visible.x, m.At.Seconds()), append(visible.y, float64(m.Visible))
		}
		add(chart{"Watermark: acknowledged and visible records", []line{acked, visible}, seconds, count})
	}
	return all, nil
}

// appendCurve draws a histogram by percentile, the axis stretched so that each nine has the same room.
func appendCurve(lines []line, name, colour string, q *verify.Quantiles) []line {
	h, err := q.Decode()
	if err != nil || q.Count == 0 {
		return lines
	}
	l := line{name: name, colour: colour}
	for x := 0.0; x <= 4; x += 0.05 {
		l.x, l.y = append(l.x, x), append(l.y, float64(h.ValueAtQuantile(100-100*math.Pow(10, -x))))
	}
	return append(lines, l)
}
