package visitor_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/sockeye-io/sockeye/server/visitor"
)

func TestAnIDTellsNothingOfTheSecretAndStays(t *testing.T) {
	const secret = "a secret of enough length"
	a, err := visitor.ID(secret)
	if err != nil || len(a) != 16 || strings.Contains(a, "secret") {
		t.Fatalf("%q, %v", a, err)
	}
	if b, _ := visitor.ID(secret); b != a {
		t.Errorf("the same secret is %q and %q", a, b)
	}
	if b, _ := visitor.ID("a secret of enough lengtH"); b == a {
		t.Error("two secrets have one id")
	}
	for _, bad := range []string{"", "short", strings.Repeat("x", visitor.MaxSecret+1)} {
		if _, err := visitor.ID(bad); !errors.Is(err, visitor.ErrSecret) {
			t.Errorf("%d bytes: %v", len(bad), err)
		}
	}
}
