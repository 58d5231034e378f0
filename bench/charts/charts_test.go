package charts

import (
	"bytes"
	"encoding/xml"
	"errors"
	"flag"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// samples is a folder for looking at the pictures: go test ./bench/charts -samples DIR.
var samples = flag.String("samples", "", "write the pictures of the tests to this `folder`")

func bars() Bars {
	nan := math.NaN()
	return Bars{
		Title: "CPU per delivery or acknowledgement (less is better)",
		Unit:  "server CPU, µs",
		Names: []string{"sockeye", "node", "bun", "floor"},
		Groups: []Group{
			{"room of 500, 1 message in flight", []float64{4.05, 6.71, 5.2, 3.71}},
			{"room of 500, 32 messages in flight", []float64{0.47, 5.27, 5.1, 0.36}},
			{"two nodes + Redis Streams, room of 400, 32 messages in flight", []float64{0.54, 4.02, nan, nan}},
			{"polling, room of 300, 1 in flight", []float64{19.2, 25.4, 13, nan}},
			{"permessage-deflate & <1 KB>", []float64{0, 3, nan, nan}},
		},
	}
}

func lines() Lines {
	x := []float64{1000, 2000, 5000, 10000, 15000}
	return Lines{
		Title: "Memory by idle WebSocket client, 1,000 to 15,000 of them",
		X:     "clients", Y: "RSS KiB per client", LogX: true,
		Series: []Series{
			{"sockeye", x, []float64{8.1, 7.9, 7.8, 7.8, 7.7}},
			{"sockeye --idle-mode", x, []float64{3.9, 3.8, 3.8, 3.7, 3.7}},
			{"node", x, []float64{21, 18, 16.5, 16.1, math.NaN()}},
			{"bun", x, []float64{12, 11.6, 11.4, 11.4, 11.3}},
		},
	}
}

func many() Bars {
	b := Bars{
		Title: "Deliveries per second (more is better)", Unit: "deliveries per second",
		Names: []string{"sockeye", "node", "bun", "floor", "zishang-v2", "zishang-v3", "python-socketio", "flask-socketio", "sockeye --idle-mode"},
	}
	for _, label := range []string{"room of 500, 1 in flight", "room of 500, 32 in flight"} {
		b.Groups = append(b.Groups, Group{label, []float64{700_123, 96_000, 86_000, 1_179_000, 30_000, 45_000, 13_000, 17_000, 650_000}})
	}
	return b
}

func pictures() map[string]interface{ SVG() ([]byte, error) } {
	linear := lines()
	linear.LogX = false
	single := lines()
	single.Series = []Series{{"sockeye", []float64{1000}, []float64{8}}}
	return map[string]interface{ SVG() ([]byte, error) }{
		"bars": bars(), "lines": lines(), "linear": linear, "many": many(), "single": single,
	}
}

func TestTheSameFiguresGiveTheSameBytes(t *testing.T) {
	for name, p := range pictures() {
		first, err := p.SVG()
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for range 3 {
			again, err := pictures()[name].SVG()
			if err != nil || !bytes.Equal(first, again) {
				t.Errorf("%s: another picture of the same figures (%v)", name, err)
			}
		}
		if *samples != "" {
			if err := os.WriteFile(filepath.Join(*samples, name+".svg"), first, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// content is the text of every element by the name of the element.
func content(t *testing.T, svg []byte) map[string][]string {
	t.Helper()
	found := make(map[string][]string)
	var open []string
	for d := xml.NewDecoder(bytes.NewReader(svg)); ; {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return found
		}
		if err != nil {
			t.Fatalf("not well-formed: %v", err)
		}
		switch e := token.(type) {
		case xml.StartElement:
			open = append(open, e.Name.Local)
		case xml.EndElement:
			open = open[:len(open)-1]
		case xml.CharData:
			if text := strings.TrimSpace(string(e)); text != "" {
				found[open[len(open)-1]] = append(found[open[len(open)-1]], text)
			}
		}
	}
}

func TestBarsSayTheirFiguresInTextAndInWords(t *testing.T) {
	svg, err := bars().SVG()
	if err != nil {
		t.Fatal(err)
	}
	got := content(t, svg)
	if len(got["title"]) != 1 || got["title"][0] != bars().Title {
		t.Errorf("title %q", got["title"])
	}
	for _, want := range []string{"room of 500, 1 message in flight: sockeye 4.05, node 6.71, bun 5.20, floor 3.71.", "bun not measured", "& <1 KB>: sockeye 0"} {
		if !strings.Contains(strings.Join(got["desc"], " "), want) {
			t.Errorf("no %q in %q", want, got["desc"])
		}
	}
	drawn := strings.Join(got["text"], "|")
	for _, want := range []string{"CPU per delivery", "server CPU, µs", "sockeye|node|bun|floor", "4.05", "25.4", "–", "& <1 KB>"} {
		if !strings.Contains(drawn, want) {
			t.Errorf("%q is not drawn: %s", want, drawn)
		}
	}
}

func TestLinesNameAxesAndSeries(t *testing.T) {
	svg, err := lines().SVG()
	if err != nil {
		t.Fatal(err)
	}
	got := content(t, svg)
	drawn := strings.Join(got["text"], "|")
	for _, want := range []string{"clients", "RSS KiB per client", "sockeye --idle-mode", "1,000", "10,000"} {
		if !strings.Contains(drawn, want) {
			t.Errorf("%q is not drawn: %s", want, drawn)
		}
	}
	if want := "node: 21.0 at 1,000,"; !strings.Contains(got["desc"][0], want) || !strings.Contains(got["desc"][0], "not measured at 15,000") {
		t.Errorf("desc %q", got["desc"])
	}
}

func TestOnlySockeyeIsWarm(t *testing.T) {
	names := many().Names
	seen := make(map[any]string)
	for n, name := range names {
		c := colour(n, names)
		if warm := c.R > c.B; warm != ours(name) {
			t.Errorf("%s has the colour %v", name, c)
		}
		if seen[c] != "" {
			t.Errorf("%s has the colour of %s", name, seen[c])
		}
		seen[c] = name
	}
	if alone := []string{"sockeye", "bun"}; colour(1, alone) != colour(2, names) {
		t.Error("bun changes its colour when node is away")
	}
}

func TestWhatCannotBeDrawnIsAnError(t *testing.T) {
	long := bars()
	long.Title = strings.Repeat("too long ", 20)
	for name, p := range map[string]interface{ SVG() ([]byte, error) }{
		"no bars":     Bars{Title: "x"},
		"a value too": Bars{Names: []string{"a"}, Groups: []Group{{"g", []float64{1, 2}}}},
		"negative":    Bars{Names: []string{"a"}, Groups: []Group{{"g", []float64{-1}}}},
		"infinite":    Bars{Names: []string{"a"}, Groups: []Group{{"g", []float64{math.Inf(1)}}}},
		"long title":  long,
		"no points":   Lines{Series: []Series{{Name: "a", X: []float64{1}, Y: []float64{math.NaN()}}}},
		"no y":        Lines{Series: []Series{{Name: "a", X: []float64{1}}}},
		"log of 0":    Lines{LogX: true, Series: []Series{{Name: "a", X: []float64{0}, Y: []float64{1}}}},
	} {
		if svg, err := p.SVG(); err == nil {
			t.Errorf("%s: %d bytes and no error", name, len(svg))
		}
	}
}

func TestLabelsAreBrokenBetweenWords(t *testing.T) {
	if got := wrap("two nodes + Redis Streams, room of 400", 20); got != "two nodes + Redis\nStreams, room of 400" {
		t.Errorf("%q", got)
	}
}

func TestFiguresOfTicks(t *testing.T) {
	for v, want := range map[float64]string{0: "0", 0.25: "0.25", 1000: "1,000", 1234567: "1,234,567"} {
		if got := separated(v); got != want {
			t.Errorf("%v is written %q, want %q", v, got, want)
		}
	}
}

func TestAxesHaveFourToEightSteps(t *testing.T) {
	for _, hi := range []float64{0.003, 0.7, 1, 3.99, 4, 27, 50, 99, 1_300_000} {
		if n := len((steps{}).Ticks(0, hi)); n < 5 || n > 11 {
			t.Errorf("up to %v there are %d ticks, with that at 0", hi, n)
		}
	}
	if got := (steps{}).Ticks(0, 27); got[1].Label != "5" {
		t.Errorf("the first step up to 27 is %q", got[1].Label)
	}
}
