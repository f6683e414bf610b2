// Package chart draws curves as SVG, for the reports of replay and of the benchmarks.
package chart

import (
	"fmt"
	"html"
	"math"
	"strings"
)

// Line is one curve of a chart.
type Line struct {
	Name   string
	Colour string // as CSS has it
	X, Y   []float64
}

// Chart draws lines over a common x axis, from the smallest X to the largest, and a y axis that begins at 0.
type Chart struct {
	Title  string
	Lines  []Line
	XLabel func(float64) string // what stands at a place of an axis
	YLabel func(float64) string
}

// The colours of lines.
const (
	Blue   = "#2563eb"
	Orange = "#d97706"
	Green  = "#059669"
)

const (
	chartWidth, chartHeight = 720, 220
	marginLeft, marginBelow = 70, 30
	marginRight, marginTop  = 15, 28
)

// style is what a file of its own needs; a page has its own.
const style = `<style>svg { background: #fff; font: 12px sans-serif; } .title { font-weight: 600; } .grid { stroke: #d4d4d8; }
.curve { fill: none; stroke-width: 1.5; } .x { text-anchor: middle; } .y, .legend { text-anchor: end; }</style>`

// File is an SVG file that needs nothing else; empty when no line has a point.
func (c *Chart) File() string {
	inner := c.SVG()
	if inner == "" {
		return ""
	}
	return strings.Replace(inner, ">", ` xmlns="http://www.w3.org/2000/svg">`+style, 1) + "\n"
}

// SVG is an element for an HTML page, whose style says how its classes look: title, grid, curve, legend, and x and y for the
// labels of the axes. All text in it is escaped. It is empty when no line has a point.
func (c *Chart) SVG() string {
	minX, maxX, maxY := math.Inf(1), math.Inf(-1), 0.0
	for _, l := range c.Lines {
		for i := range l.X {
			minX, maxX, maxY = min(minX, l.X[i]), max(maxX, l.X[i]), max(maxY, l.Y[i])
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
	fmt.Fprintf(&b, `<svg viewBox="0 0 %d %d" role="img" aria-label="%s">`, chartWidth, chartHeight, html.EscapeString(c.Title))
	fmt.Fprintf(&b, `<text class="title" x="%d" y="16">%s</text>`, marginLeft, html.EscapeString(c.Title))
	for i := range 5 {
		y := maxY * float64(i) / 4
		fmt.Fprintf(&b, `<line class="grid" x1="%d" x2="%d" y1="%.1f" y2="%.1f"/><text class="y" x="%d" y="%.1f">%s</text>`,
			marginLeft, chartWidth-marginRight, py(y), py(y), marginLeft-6, py(y)+4, html.EscapeString(c.YLabel(y)))
		x := minX + (maxX-minX)*float64(i)/4
		fmt.Fprintf(&b, `<text class="x" x="%.1f" y="%d">%s</text>`, px(x), chartHeight-10, html.EscapeString(c.XLabel(x)))
	}
	legend := float64(chartWidth - marginRight)
	for _, l := range c.Lines {
		b.WriteString(`<polyline class="curve" stroke="` + l.Colour + `" points="`)
		for i := range l.X {
			fmt.Fprintf(&b, "%.1f,%.1f ", px(l.X[i]), py(l.Y[i]))
		}
		b.WriteString(`"/>`)
		fmt.Fprintf(&b, `<text class="legend" x="%.0f" y="16" style="fill:%s">%s</text>`, legend, l.Colour, html.EscapeString(l.Name))
		legend -= float64(8*len(l.Name) + 16)
	}
	b.WriteString("</svg>")
	return b.String()
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
