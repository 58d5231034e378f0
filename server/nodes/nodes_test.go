package nodes

import (
	"bytes"
	"strings"
	"testing"
)

func TestIDsAreLongAndNeverTheSame(t *testing.T) {
	seen := make(map[string]bool)
	for range 1000 {
		id := NewID()
		if len(id) != IDLength || seen[id] || IDOf(id+"x") != id {
			t.Fatalf("%q", id)
		}
		seen[id] = true
	}
}

func TestANameBeginsWithTheIDOfItsNode(t *testing.T) {
	for name, want := range map[string]string{
		"AbCd-_12xyz": "AbCd-_12", "AbCd-_12": "", "": "", "short": "", "with a blank": "", "äbcdefgh...": "", "a%20bcdefgh": "",
	} {
		if got := IDOf(name); got != want {
			t.Errorf("%q begins with %q, want %q", name, got, want)
		}
	}
}

func TestAStaticListTellsOfItsChanges(t *testing.T) {
	self, other := Node{ID: "node___1"}, Node{ID: "node___0", URL: "http://192.0.2.1:1"}
	s := NewStatic(self, []byte("secret"))
	var heard []string
	remove := s.OnChange(func(c Change) {
		heard = append(heard, c.Node.ID+map[bool]string{true: " gone", false: " there"}[c.Gone])
	})
	s.Add(other)
	s.Add(other)
	if all := s.Nodes(); len(all) != 2 || all[0] != other || all[1] != self || s.Self() != self {
		t.Errorf("%+v", all)
	}
	if n, ok := s.Lookup(t.Context(), "node___0"); !ok || n != other {
		t.Errorf("%+v, %v", n, ok)
	}
	s.Remove("node___0")
	s.Remove("node___0")
	if _, ok := s.Lookup(t.Context(), "node___0"); ok {
		t.Error("it is still there")
	}
	remove()
	s.Add(other)
	if got := strings.Join(heard, ", "); got != "node___0 there, node___0 gone" {
		t.Errorf("heard %s", got)
	}
	s.Renew(t.Context())
	if a := s.Accepted(); !bytes.Equal(s.Secret(), []byte("secret")) || len(a) != 1 || !bytes.Equal(a[0], s.Secret()) {
		t.Errorf("%q, %q", s.Secret(), a)
	}
	if none := NewStatic(self, nil); none.Secret() != nil || none.Accepted() != nil {
		t.Errorf("%q, %q", none.Secret(), none.Accepted())
	}
}
