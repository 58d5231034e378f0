package charts

import (
	"bytes"
	"errors"
	"fmt"
	"html"
	"image/color"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"

	xfont "golang.org/x/image/font"
	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"

	"github.com/sockeye-io/sockeye/bench/figures"
)

const (
	width       = 640
	margin      = 12
	titleHeight = 22
	rowHeight   = 16 // of the names
	axisHeight  = 44

	sans = "Sans"
	bold = xfont.WeightBold
)

var (
	paper = color.NRGBA{R: 0xff, G: 0xff, B: 0xff, A: 0xff}
	ink   = color.NRGBA{R: 0x1f, G: 0x23, B: 0x28, A: 0xff}
	quiet = color.NRGBA{R: 0x59, G: 0x63, B: 0x6e, A: 0xff}
	hair  = color.NRGBA{R: 0xd8, G: 0xde, B: 0xe4, A: 0xff}

	salmon = color.NRGBA{R: 0xe2, G: 0x4a, B: 0x1c, A: 0xff}
	amber  = color.NRGBA{R: 0xf3, G: 0x9c, B: 0x3d, A: 0xff}
	// others are cool and of different lightness, so that they can be told apart in grey.
	others = []color.NRGBA{
		{R: 0x2f, G: 0x5d, B: 0x8a, A: 0xff},
		{R: 0x7a, G: 0xae, B: 0xd6, A: 0xff},
		{R: 0xa9, G: 0xb1, B: 0xba, A: 0xff},
		{R: 0x3d, G: 0x7a, B: 0x5f, A: 0xff},
		{R: 0x93, G: 0xc4, B: 0xa2, A: 0xff},
		{R: 0x6a, G: 0x51, B: 0x8f, A: 0xff},
		{R: 0xb8, G: 0xa4, B: 0xd4, A: 0xff},
	}
	// known servers have the same colour in every picture, whoever else is in it.
	known = []string{"node", "bun", "floor", "zishang-v2", "zishang-v3", "python-socketio", "flask-socketio"}
)

// ours reports whether a name is one of Sockeye's: it may say how it was started.
func ours(name string) bool {
	return strings.HasPrefix(strings.ToLower(name), "sockeye")
}

// colour is that of the n-th of names. Those of Sockeye are warm, and only those; names
// that nobody knows take their turn.
func colour(n int, names []string) color.NRGBA {
	name := names[n]
	if ours(name) {
		if slices.IndexFunc(names, ours) == n {
			return salmon
		}
		return amber
	}
	if at := slices.Index(known, strings.ToLower(name)); at >= 0 {
		return others[at]
	}
	return others[n%len(others)]
}

func hairline() draw.LineStyle { return draw.LineStyle{Color: hair, Width: 0.5} }

// newPlot is an empty plot in the style of all pictures.
func newPlot() *plot.Plot {
	p := plot.New()
	p.BackgroundColor = paper
	for _, axis := range []*plot.Axis{&p.X, &p.Y} {
		axis.Color, axis.Tick.Color = quiet, quiet
		axis.Label.TextStyle.Font = font.Font{Typeface: p.Title.TextStyle.Font.Typeface, Variant: sans, Size: 9}
		axis.Label.TextStyle.Color = quiet
		axis.Tick.Label.Font = font.Font{Typeface: p.Title.TextStyle.Font.Typeface, Variant: sans, Size: 9}
		axis.Tick.Label.Color = ink
		axis.Label.Padding = 4
	}
	return p
}

// picture is a plot with a title and the names of its colours above it.
type picture struct {
	title, desc string
	names       []string
	points      bool // names stand beside points, not boxes
	plot        *plot.Plot
	height      vg.Length // of the plot with its axes
}

// svg draws everything.
func (pic picture) svg() ([]byte, error) {
	style := pic.style(9)
	places, rows := pic.places(style)
	top := vg.Length(titleHeight + rowHeight*rows)
	height := pic.height + top + 2*margin
	canvas := vgsvg.New(width, height)
	all := draw.New(canvas)
	all.SetColor(paper)
	all.Fill(all.Path())
	all.StrokeLines(draw.LineStyle{Color: hair, Width: 1}, frame(all.Rectangle))
	inner := draw.Crop(all, margin, -margin-6, margin, -margin)
	title := pic.style(13)
	title.Font.Weight = bold
	if title.Width(pic.title) > inner.Max.X-inner.Min.X {
		return nil, fmt.Errorf("charts: the title %q is too long", pic.title)
	}
	inner.FillText(title, vg.Point{X: inner.Min.X, Y: inner.Max.Y - 11}, pic.title)
	pic.legend(inner, style, places)
	pic.plot.Draw(draw.Crop(inner, 0, 0, 0, -top))

	var b bytes.Buffer
	if _, err := canvas.WriteTo(&b); err != nil {
		return nil, err
	}
	return pic.accessible(b.Bytes())
}

func (pic picture) style(size vg.Length) text.Style {
	s := pic.plot.Title.TextStyle // for its handler of fonts
	s.Font.Size, s.Font.Variant, s.Font.Weight = size, sans, xfont.WeightNormal
	s.Color, s.XAlign, s.YAlign = ink, draw.XLeft, draw.YBottom
	return s
}

// frame is a rectangle just inside r.
func frame(r vg.Rectangle) []vg.Point {
	lo, hi := vg.Point{X: r.Min.X + 0.5, Y: r.Min.Y + 0.5}, vg.Point{X: r.Max.X - 0.5, Y: r.Max.Y - 0.5}
	return []vg.Point{lo, {X: hi.X, Y: lo.Y}, hi, {X: lo.X, Y: hi.Y}, lo}
}

// places says where each name begins, from the left and in which row.
func (pic picture) places(style text.Style) (at []vg.Point, rows int) {
	x, row := vg.Length(0), 0
	for _, name := range pic.names {
		own := style
		if ours(name) {
			own.Font.Weight = bold
		}
		w := 14 + own.Width(name) + 14
		if x > 0 && x+w > width-3*margin {
			x, row = 0, row+1
		}
		at = append(at, vg.Point{X: x, Y: vg.Length(row)})
		x += w
	}
	return at, row + 1
}

func (pic picture) legend(c draw.Canvas, style text.Style, places []vg.Point) {
	for n, at := range places {
		x, y := c.Min.X+at.X, c.Max.Y-titleHeight-10-at.Y*rowHeight
		if pic.points {
			shape(n, vg.Point{X: x + 5, Y: y + 4}, &c, draw.GlyphStyle{Color: colour(n, pic.names), Radius: 4})
		} else {
			c.SetColor(colour(n, pic.names))
			c.Fill(vg.Rectangle{Min: vg.Point{X: x, Y: y - 0.5}, Max: vg.Point{X: x + 9, Y: y + 8.5}}.Path())
		}
		own := style
		if ours(pic.names[n]) {
			own.Font.Weight = bold
		}
		c.FillText(own, vg.Point{X: x + 14, Y: y}, pic.names[n])
	}
}

var (
	opening = regexp.MustCompile(`(?s)^.*?<svg [^>]*viewBox="([^"]*)"[^>]*>`)
	family  = regexp.MustCompile(`font-family:[^;]*;font-variant:[^;]*;`)
)

// accessible puts the title and the figures in words into a drawing, makes it as wide as
// its page lets it, and names fonts of the same widths that other machines have.
func (pic picture) accessible(svg []byte) ([]byte, error) {
	m := opening.FindSubmatch(svg)
	if m == nil {
		return nil, errors.New("charts: the drawing has no opening")
	}
	var b bytes.Buffer
	_, _, w, h := box(string(m[1]))
	fmt.Fprintf(&b, "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%s\" height=\"%s\" viewBox=\"%s\" role=\"img\" aria-labelledby=\"title desc\">\n", w, h, m[1])
	fmt.Fprintf(&b, "<title id=\"title\">%s</title>\n<desc id=\"desc\">%s</desc>\n", html.EscapeString(pic.title), html.EscapeString(pic.desc))
	b.Write(family.ReplaceAll(svg[len(m[0]):], []byte("font-family:'Liberation Sans',Arial,Helvetica,sans-serif;")))
	return b.Bytes(), nil
}

func box(view string) (x, y, w, h string) {
	f := append(strings.Fields(view), "0", "0", "0", "0")
	return f[0], f[1], f[2], f[3]
}

// wrap breaks s into lines of about length characters.
func wrap(s string, length int) string {
	var lines []string
	line := ""
	for word := range strings.FieldsSeq(s) {
		if line != "" && len([]rune(line))+1+len([]rune(word)) > length {
			lines, line = append(lines, line), ""
		}
		line = strings.TrimSpace(line + " " + word)
	}
	return strings.Join(append(lines, line), "\n")
}

func punctuation(i, n int) string {
	if i == n-1 {
		return "."
	}
	return ","
}

// steps are the ticks of an axis that begins at 0: four to eight, each with a figure.
type steps struct{}

func (steps) Ticks(lo, hi float64) []plot.Tick {
	const fewest = 4
	step := math.Pow(10, math.Floor(math.Log10((hi-lo)/fewest)))
	for _, times := range []float64{5, 2} {
		if (hi-lo)/(step*times) >= fewest {
			step *= times
			break
		}
	}
	var ticks []plot.Tick
	for n := math.Ceil(lo / step); n*step <= hi; n++ {
		ticks = append(ticks, plot.Tick{Value: n * step, Label: separated(n * step)})
	}
	return ticks
}

// separated writes a figure of an axis, with commas.
func separated(v float64) string {
	whole, fraction, _ := strings.Cut(strconv.FormatFloat(math.Round(v*1e6)/1e6, 'f', -1, 64), ".")
	for at := len(whole) - 3; at > 0; at -= 3 {
		whole = whole[:at] + "," + whole[at:]
	}
	if fraction != "" {
		whole += "." + fraction
	}
	return whole
}

// short writes a figure beside its bar.
func short(v float64) string {
	switch {
	case v >= 1e6:
		return figures.Text(v/1e6) + " M"
	case v >= 1e4:
		return figures.Text(v/1e3) + " k"
	default:
		return figures.Text(v)
	}
}
