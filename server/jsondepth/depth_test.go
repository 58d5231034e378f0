package jsondepth_test

import (
	"testing"

	"github.com/sockeye-io/sockeye/server/jsondepth"
)

func TestBracketsInStringsAreNotCounted(t *testing.T) {
	for text, want := range map[string]int{
		`1`: 0, `"[{"`: 0, `[]`: 1, `{"a":[1,{"b":[]}],"c":[]}`: 4, `["\"[[",[]]`: 2, `["\\",[[]]]`: 3,
	} {
		if got := jsondepth.Of([]byte(text)); got != want {
			t.Errorf("%s: %d, want %d", text, got, want)
		}
	}
}
