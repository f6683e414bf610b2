package report

import (
	"fmt"
	"html/template"
	"math"
	"strings"

	"github.com/dustin/go-humanize"
)

// line is one curve of a chart.
type line struct {
	name   string
	colour string
	x, y   []float64
}

// chart draws lines over a common x axis, as SVG that needs nothing else.
type chart struct {
	title  string
	lines  []line
	xLabel func(float64) string
	yLabel func(float64) string
}

const (
	chartWidth, chartHeight = 720, 220
	marginLeft, marginBelow = 70, 30
	marginRight, marginTop  = 15, 28
)

func (c *chart) svg() template.HTML {
	minX, maxX, maxY := math.Inf(1), math.Inf(-1), 0.0
	for _, l := range c.lines {
		for i := range l.x {
			minX, maxX, maxY = min(minX, l.x[i]), max(maxX, l.x[i]), max(maxY, l.y[i])
		}
	}
	if math.IsInf(minX, 0) {
		return ""
	}
	if maxX == minX {
		maxX = minX + 1
	}
	maxY = niceCeiling(maxY)
	px := func(x float64) float64 {
		return marginLeft + (x-minX)/(maxX-minX)*(chartWidth-marginLeft-marginRight)
	}
	py := func(y float64) float64 { return chartHeight - marginBelow - y/maxY*(chartHeight-marginBelow-marginTop) }
	var b strings.Builder
	fmt.Fprintf(&b, `<svg viewBox="0 0 %d %d" role="img" aria-label="%s">`, chartWidth, chartHeight, template.HTMLEscapeString(c.title))
	fmt.Fprintf(&b, `<text class="title" x="%d" y="16">%s</text>`, marginLeft, template.HTMLEscapeString(c.title))
	for i := range 5 {
		y := maxY * float64(i) / 4
		fmt.Fprintf(&b, `<line class="grid" x1="%d" x2="%d" y1="%.1f" y2="%.1f"/><text class="y" x="%d" y="%.1f">%s</text>`,
			marginLeft, chartWidth-marginRight, py(y), py(y), marginLeft-6, py(y)+4, template.HTMLEscapeString(c.yLabel(y)))
		x := minX + (maxX-minX)*float64(i)/4
		fmt.Fprintf(&b, `<text class="x" x="%.1f" y="%d">%s</text>`, px(x), chartHeight-10, template.HTMLEscapeString(c.xLabel(x)))
	}
	legend := float64(chartWidth - marginRight)
	for _, l := range c.lines {
		b.WriteString(`<polyline class="curve" stroke="` + l.colour + `" points="`)
		for i := range l.x {
			fmt.Fprintf(&b, "%.1f,%.1f ", px(l.x[i]), py(l.y[i]))
		}
		b.WriteString(`"/>`)
		fmt.Fprintf(&b, `<text class="legend" x="%.0f" y="16" style="fill:%s">%s</text>`, legend, l.colour, template.HTMLEscapeString(l.name))
		legend -= float64(8*len(l.name) + 16)
	}
	b.WriteString("</svg>")
	return template.HTML(b.String()) //nolint:gosec // every text in it is escaped above
}

// niceCeiling is the next of 1, 2, 5, 10, 20, 50…
func niceCeiling(v float64) float64 {
	if v <= 0 {
		return 1
	}
	power := math.Pow(10, math.Floor(math.Log10(v)))
	for _, step := range []float64{1, 2, 5} {
		if v <= step*power {
			return step * power
		}
	}
	return 10 * power
}

func count(v float64) string { return humanize.SIWithDigits(v, 2, "") }

func seconds(v float64) string { return fmt.Sprintf("%.3g s", v) }

func micros(v float64) string { return us(int64(v)) }
