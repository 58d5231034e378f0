package store

import "testing"

// What a client says comes after is a place, or refused.
func FuzzPlace(f *testing.F) {
	for _, text := range []string{"1.-3.06h1lek228fsbdq06p1o", "0.0.", "", "..", "1.2.3.4", "99999999999999999999.0.x"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		p, err := parsePlace(text)
		if err != nil {
			return
		}
		if again, err := parsePlace(p.String()); err != nil || again != p {
			t.Fatalf("%q: %+v, and then %+v, %v", text, p, again, err)
		}
	})
}

func TestIDsOfOneMillisecond(t *testing.T) {
	var g ids
	now := timeOf(1_700_000_000_000)
	g.next(now)
	g.last = "06h1lek228vvvvvvvvvv"
	if next := g.next(now); next != "06h1lek2290000000000" || !validID(next) {
		t.Fatal(next)
	}
}
