package report

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"math"
	"time"

	"github.com/dustin/go-humanize"

	"github.com/instantdevlogs/devlogs/internal/chart"
	"github.com/instantdevlogs/devlogs/replay/gate"
	"github.com/instantdevlogs/devlogs/replay/verify"
)

//go:embed report.html.tmpl
var pageText string

var pageTemplate = template.Must(template.New("report").Parse(pageText))

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
	add := func(title string, lines []chart.Line, x, y func(float64) string) {
		c := chart.Chart{Title: title, Lines: lines, XLabel: x, YLabel: y}
		if svg := c.SVG(); svg != "" {
			all = append(all, template.HTML(svg)) //nolint:gosec // every text in it is escaped
		}
	}
	if s != nil {
		x := make([]float64, len(s.due))
		for i := range x {
			x[i] = float64(i) * s.step.Seconds()
		}
		add("Records a second", []chart.Line{{Name: "due", Colour: chart.Orange, X: x, Y: s.due}, {Name: "acknowledged", Colour: chart.Blue, X: x, Y: s.acked}}, seconds, count)
		add("Backlog: due and not acknowledged yet", []chart.Line{{Name: "records", Colour: chart.Blue, X: x, Y: s.backlog}}, seconds, count)
	}
	var curves []chart.Line
	if r.Verify != nil && r.Verify.Latency != nil {
		l := r.Verify.Latency
		curves = appendCurve(curves, "ack", chart.Blue, &l.Ack)
		curves = appendCurve(curves, "sender's lag", chart.Green, &l.Lag)
	}
	if r.Queryable != nil {
		curves = appendCurve(curves, "queryable", chart.Orange, &r.Queryable.Upper)
	}
	add("Latency by percentile", curves, func(x float64) string { return fmt.Sprintf("%.6g %%", 100-100*math.Pow(10, -x)) }, micros)
	if q := r.Queryable; q != nil {
		acked, visible := chart.Line{Name: "acknowledged", Colour: chart.Orange}, chart.Line{Name: "visible", Colour: chart.Blue}
		for _, m := range q.Watermark {
			acked.X, acked.Y = append(acked.X, m.At.Seconds()), append(acked.Y, float64(m.Acked))
			visible.X, visible.Y = append(visible.X, m.At.Seconds()), append(visible.Y, float64(m.Visible))
		}
		add("Watermark: acknowledged and visible records", []chart.Line{acked, visible}, seconds, count)
	}
	return all, nil
}

// appendCurve draws a histogram by percentile, the axis stretched so that each nine has the same room.
func appendCurve(lines []chart.Line, name, colour string, q *verify.Quantiles) []chart.Line {
	h, err := q.Decode()
	if err != nil || q.Count == 0 {
		return lines
	}
	l := chart.Line{Name: name, Colour: colour}
	for x := 0.0; x <= 4; x += 0.05 {
		l.X, l.Y = append(l.X, x), append(l.Y, float64(h.ValueAtQuantile(100-100*math.Pow(10, -x))))
	}
	return append(lines, l)
}

func count(v float64) string { return humanize.SIWithDigits(v, 2, "") }

func seconds(v float64) string { return fmt.Sprintf("%.3g s", v) }

func micros(v float64) string { return us(int64(v)) }
