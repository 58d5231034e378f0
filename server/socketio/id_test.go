package socketio

import (
	"strings"
	"testing"
)

func TestWhatMayBeTheIDOfASocket(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]bool{
		newID(): true, strings.Repeat("-_aZ9", 4): true,
		"": false, strings.Repeat("a", 19): false, strings.Repeat("a", 19) + "\n": false, strings.Repeat("a", 19) + "+": false, strings.Repeat("é", 10): false,
	} {
		if got := MayBeID(name); got != want {
			t.Errorf("%q: %v, want %v", name, got, want)
		}
	}
}
