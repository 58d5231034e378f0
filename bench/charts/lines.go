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

const linesHeight = 260

// Lines show y against x, a line for each server. The y axis begins at 0, so that what is
// flat looks flat.
type Lines struct {
	Title  string
	X, Y   string // what the axes show, with units
	LogX   bool   // each step on the x axis multiplies
	Series []Series
}

// Series is one line, in the order of its points. A y that is NaN was not measured: its
// point is left out.
type Series struct {
	Name string
	X, Y []float64 // as many of one as of the other
}

// SVG draws the lines. It fails without a point, with a number that is not finite, and
// on a logarithmic axis with an x that is not above 0.
func (l Lines) SVG() ([]byte, error) {
	p := newPlot()
	p.X.Label.Text, p.Y.Label.Text = l.X, l.Y
	p.Add(&plotter.Grid{Vertical: hairline(), Horizontal: hairline()})
	most, names := 0.0, make([]string, len(l.Series))
	for i, s := range l.Series {
		names[i] = s.Name
	}
	for i, s := range l.Series {
		points, err := l.points(s)
		if err != nil {
			return nil, err
		}
		for _, xy := range points {
			most = max(most, xy.Y)
		}
		if len(points) == 0 {
			continue
		}
		line, dots, err := plotter.NewLinePoints(points)
		if err != nil {
			return nil, err
		}
		line.Color, dots.Color = colour(i, names), colour(i, names)
		line.Width, dots.Radius, dots.Shape = 1.5, 3, shapes[i%len(shapes)]
		if ours(s.Name) {
			line.Width = 2.5
		}
		p.Add(line, dots)
	}
	if math.IsInf(p.X.Min, 0) { // as it is before the first point
		return nil, fmt.Errorf("charts: %q has no points", l.Title)
	}
	p.Y.Min, p.Y.Max = 0, 1.1*math.Max(most, math.SmallestNonzeroFloat32)
	p.X.Tick.Marker, p.Y.Tick.Marker = steps{}, steps{}
	if l.LogX {
		p.X.Scale, p.X.Tick.Marker = plot.LogScale{}, decades{}
	}
	if p.X.Min == p.X.Max { // a single x: the axis needs a width
		p.X.Min, p.X.Max = p.X.Min/2, p.X.Max*2+1
	}
	return picture{title: l.Title, desc: l.desc(), names: names, points: true, plot: p, height: linesHeight}.svg()
}

func (l Lines) points(s Series) (plotter.XYs, error) {
	if len(s.X) != len(s.Y) {
		return nil, fmt.Errorf("charts: %s has %d x and %d y", s.Name, len(s.X), len(s.Y))
	}
	var points plotter.XYs
	for i, x := range s.X {
		y := s.Y[i]
		switch {
		case math.IsNaN(y):
			continue
		case y < 0, math.IsInf(y, 0), math.IsNaN(x), math.IsInf(x, 0), l.LogX && x <= 0:
			return nil, fmt.Errorf("charts: %s has the point %v, %v", s.Name, x, y)
		}
		points = append(points, plotter.XY{X: x, Y: y})
	}
	return points, nil
}

// desc is the figures in words.
func (l Lines) desc() string {
	var s strings.Builder
	fmt.Fprintf(&s, "%s, by %s.", l.Y, l.X)
	for _, line := range l.Series {
		fmt.Fprintf(&s, " %s:", line.Name)
		for i, x := range line.X {
			text := "not measured"
			if !math.IsNaN(line.Y[i]) {
				text = short(line.Y[i])
			}
			fmt.Fprintf(&s, " %s at %s%s", text, separated(x), punctuation(i, len(line.X)))
		}
	}
	return s.String()
}

// shapes tell lines apart without colours.
var shapes = []draw.GlyphDrawer{draw.CircleGlyph{}, draw.BoxGlyph{}, draw.PyramidGlyph{}, draw.RingGlyph{}, draw.SquareGlyph{}, draw.TriangleGlyph{}, draw.CrossGlyph{}, draw.PlusGlyph{}}

func shape(n int, at vg.Point, c *draw.Canvas, style draw.GlyphStyle) {
	style.Shape = shapes[n%len(shapes)]
	c.DrawGlyph(style, at)
}

// decades are the ticks of a logarithmic axis: powers of ten have figures, and 2 and 5
// times them where there are few of these.
type decades struct{}

func (decades) Ticks(lo, hi float64) []plot.Tick {
	var ticks []plot.Tick
	few := math.Log10(hi/lo) < 3
	for power := math.Pow(10, math.Floor(math.Log10(lo))); power <= hi; power *= 10 {
		for digit := 1.0; digit < 10; digit++ {
			v := power * digit
			if v < lo*0.999 || v > hi*1.001 {
				continue
			}
			t := plot.Tick{Value: v}
			if digit == 1 || few && (digit == 2 || digit == 5) {
				t.Label = separated(v)
			}
			ticks = append(ticks, t)
		}
	}
	return ticks
}
