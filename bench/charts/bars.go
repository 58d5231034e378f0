package charts

import (
	"fmt"
	"math"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

const (
	barHeight   = 10 // points, as all sizes here
	barGap      = 1
	groupGap    = 12
	labelLength = 34 // characters of a line of a group's label
)

// Bars are horizontal bars: a group for each row of a bench, a bar for each server.
type Bars struct {
	Title string
	Unit  string   // of the values, under their axis
	Names []string // of the servers, in the order of Values
	// Groups are shown from top to bottom.
	Groups []Group
}

// Group is one row. A value that is NaN was not measured, and is shown as a dash.
type Group struct {
	Label  string
	Values []float64 // not negative, one for each name
}

// SVG draws the bars. It fails without a group or a name, and with a group that does not
// have one finite value or NaN for each name.
func (b Bars) SVG() ([]byte, error) {
	if err := b.check(); err != nil {
		return nil, err
	}
	p := newPlot()
	p.X.Label.Text = b.Unit
	p.X.Tick.Marker = steps{}
	p.X.Min, p.X.Max = 0, 1.08*math.Max(b.most(), math.SmallestNonzeroFloat32) // room for the last figure
	p.Y.Min, p.Y.Max = -float64(len(b.Groups))+0.5, 0.5
	p.Y.Padding, p.X.Padding = 0, 0
	p.Y.Width = 0
	p.Y.Tick.Length = 0
	ticks := make(plot.ConstantTicks, len(b.Groups))
	for i, g := range b.Groups {
		ticks[i] = plot.Tick{Value: -float64(i), Label: wrap(g.Label, labelLength)}
	}
	p.Y.Tick.Marker = ticks
	p.Add(&plotter.Grid{Vertical: hairline()})
	for n := range b.Names {
		if err := b.add(p, n); err != nil {
			return nil, err
		}
	}
	group := vg.Length(len(b.Names)*(barHeight+barGap) + groupGap)
	return picture{title: b.Title, desc: b.desc(), names: b.Names, plot: p, height: group*vg.Length(len(b.Groups)) + axisHeight}.svg()
}

func (b Bars) check() error {
	if len(b.Groups) == 0 || len(b.Names) == 0 {
		return fmt.Errorf("charts: %q has no bars", b.Title)
	}
	for _, g := range b.Groups {
		if len(g.Values) != len(b.Names) {
			return fmt.Errorf("charts: %q has %d values for %d names", g.Label, len(g.Values), len(b.Names))
		}
		for _, v := range g.Values {
			if v < 0 || math.IsInf(v, 0) {
				return fmt.Errorf("charts: %q has the value %v", g.Label, v)
			}
		}
	}
	return nil
}

func (b Bars) most() (most float64) {
	for _, g := range b.Groups {
		for _, v := range g.Values {
			if v > most { // false for NaN
				most = v
			}
		}
	}
	return most
}

// add puts the bars of the n-th name into p, with their figures.
func (b Bars) add(p *plot.Plot, n int) error {
	values := make(plotter.Values, len(b.Groups))
	labels := plotter.XYLabels{XYs: make(plotter.XYs, len(b.Groups)), Labels: make([]string, len(b.Groups))}
	for i, g := range b.Groups {
		at := len(b.Groups) - 1 - i // bars are counted upwards
		v, text := g.Values[n], "–"
		if !math.IsNaN(v) {
			values[at], text = v, short(v)
		}
		labels.XYs[at] = plotter.XY{X: values[at], Y: -float64(i)}
		labels.Labels[at] = text
	}
	bars, err := plotter.NewBarChart(values, barHeight)
	if err != nil {
		return err
	}
	bars.Horizontal = true
	bars.XMin = -float64(len(b.Groups) - 1)
	bars.Color = colour(n, b.Names)
	bars.LineStyle.Width = 0
	bars.Offset = vg.Length(float64(len(b.Names)-1)/2-float64(n)) * (barHeight + barGap)
	texts, err := plotter.NewLabels(labels)
	if err != nil {
		return err
	}
	for i := range texts.TextStyle {
		texts.TextStyle[i].Font.Size = 8
		texts.TextStyle[i].Font.Variant = sans
		texts.TextStyle[i].Color = ink
		texts.TextStyle[i].YAlign = draw.YCenter
		if ours(b.Names[n]) {
			texts.TextStyle[i].Font.Weight = bold
		}
	}
	texts.Offset = vg.Point{X: 3, Y: bars.Offset + 0.5}
	p.Add(bars, texts)
	return nil
}

// desc is the figures in words.
func (b Bars) desc() string {
	var s strings.Builder
	s.WriteString(b.Unit + ".")
	for _, g := range b.Groups {
		fmt.Fprintf(&s, " %s:", g.Label)
		for n, v := range g.Values {
			text := "not measured"
			if !math.IsNaN(v) {
				text = short(v)
			}
			fmt.Fprintf(&s, " %s %s%s", b.Names[n], text, punctuation(n, len(g.Values)))
		}
	}
	return s.String()
}
