package docs_test

import (
	"strings"
	"testing"

	"github.com/sockeye-io/sockeye/public"
)

// TestDemosShowTheRulesThatAreServed compares the rules in docs/demos.md with those that
// the program has, of which the introduction is left out.
func TestDemosShowTheRulesThatAreServed(t *testing.T) {
	t.Parallel()
	blocks := readPage(t, "docs/demos.md").blocks("yaml")
	text := string(public.DemoRules())
	if _, rules, found := strings.Cut(text, "relay:\n"); !found || len(blocks) != 1 || blocks[0].text != "relay:\n"+rules {
		t.Error("docs/demos.md shows other rules than public/pages/demos/relay.yaml")
	}
}
