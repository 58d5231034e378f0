package relay_test

import (
	"strings"
	"testing"
)

func TestRolesOfANamespaceAreThoseOfItsKey(t *testing.T) {
	t.Parallel()
	c := configured(t, `
relay:
  namespaces:
    /team-*: {"*": {to: all}}
    /team-a: {"*": {to: all}}
  roles:
    /: [member]
    /team-*: [lead, editor]
`)
	for namespace, want := range map[string]string{"/": "member", "/team-b": "lead editor", "/team-a": "", "/nope": ""} {
		if got := strings.Join(c.RolesOf(namespace), " "); got != want {
			t.Errorf("%s needs %q, want %q", namespace, got, want)
		}
	}
}
