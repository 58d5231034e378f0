package main

import (
	"bytes"
	"encoding/json"
	"os"
	"testing"
)

func TestTheFileIsWhatTheProgramWrites(t *testing.T) {
	have, err := os.ReadFile("sockeye.json")
	if err != nil {
		t.Fatal(err)
	}
	var want bytes.Buffer
	if err := write(&want); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(have, want.Bytes()) {
		t.Error("sockeye.json is not what rows.go says: run go run ./deploy/grafana > deploy/grafana/sockeye.json")
	}
}

// Grafana takes a file with panels that overlap, and shows one above the other.
func TestPanelsDoNotOverlap(t *testing.T) {
	text, err := os.ReadFile("sockeye.json")
	if err != nil {
		t.Fatal(err)
	}
	var board struct {
		Panels []struct {
			ID      int
			Title   string
			GridPos struct{ X, Y, W, H int }
		}
	}
	if err := json.Unmarshal(text, &board); err != nil {
		t.Fatal(err)
	}
	taken, ids := make(map[[2]int]string), make(map[int]bool)
	for _, p := range board.Panels {
		if ids[p.ID] {
			t.Errorf("two panels have the id %d", p.ID)
		}
		ids[p.ID] = true
		g := p.GridPos
		if g.X+g.W > gridWidth || g.W <= 0 || g.H <= 0 {
			t.Errorf("%s is out of the grid: %+v", p.Title, g)
		}
		for x := g.X; x < g.X+g.W; x++ {
			for y := g.Y; y < g.Y+g.H; y++ {
				if other := taken[[2]int{x, y}]; other != "" {
					t.Fatalf("%s overlaps %s", p.Title, other)
				}
				taken[[2]int{x, y}] = p.Title
			}
		}
	}
}
