package relay

import (
	"strconv"
	"strings"
	"testing"
)

func TestUnknownNamesAreRememberedUpToABound(t *testing.T) {
	s := newSeen(nil)
	fresh := 0
	for i := range 3 * maxSeenNames {
		for range 2 {
			if _, ok := s.add(strconv.Itoa(i)); ok {
				fresh++
			}
		}
	}
	if fresh != maxSeenNames || len(s.names) != maxSeenNames {
		t.Errorf("%d were new and %d are kept, want %d of both", fresh, len(s.names), maxSeenNames)
	}
	if got := clip(strings.Repeat("x", 10000)); len(got) > maxLoggedName+len("…") {
		t.Errorf("%d bytes of a name are logged", len(got))
	}
}
