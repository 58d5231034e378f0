package size

import (
	"strings"
	"testing"
)

func TestSizesAreReadAndWrittenAlike(t *testing.T) {
	for text, want := range map[string]Size{
		"0": 0, "1000": 1000, "1B": 1, "1kB": 1000, "1KB": 1000, "1KiB": 1024, "1MB": 1e6, "1MiB": 1 << 20,
		"16 mib": 16 << 20, "1.5MiB": 3 << 19, "2GB": 2e9, "1GiB": 1 << 30,
	} {
		var s, again Size
		if err := s.UnmarshalText([]byte(text)); err != nil || s != want {
			t.Errorf("%q is %d (%v), want %d", text, s, err, want)
		}
		if err := again.UnmarshalText([]byte(s.String())); err != nil || again != s {
			t.Errorf("%q was written as %q, which is %d (%v)", text, s, again, err)
		}
	}
	for _, text := range []string{"", "MB", "1XB", "-1", "-1MB", "1e99GB", "1 2", "0x10", "NaN", "Inf"} {
		var s Size
		if err := s.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q was taken as %d", text, s)
		} else if !strings.Contains(err.Error(), "MiB") {
			t.Errorf("%q: %q does not say how to write a size", text, err)
		}
	}
}
