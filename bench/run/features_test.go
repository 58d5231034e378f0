package main

import (
	"slices"
	"strings"
	"testing"

	"github.com/sockeye-io/sockeye/bench/load"
)

func TestRowsGetTheirOptionsOrAreLeftOutWithAReason(t *testing.T) {
	packed := row{title: "packed", work: load.Work{Parser: load.MsgPack}}
	small := row{title: "small", work: load.Work{Deflate: true}}
	both := row{title: "both", work: load.Work{Parser: load.MsgPack, Deflate: true}}
	plain := row{title: "plain", work: load.Work{Parser: load.JSON}}
	s := &server{
		name: "s", command: []string{"s"},
		options: map[feature][]string{featureMsgPack: msgPackOption, featureDeflate: deflateOption},
	}
	for want, r := range map[string]row{
		"s": plain, "s --parser msgpack": packed, "s --deflate": small, "s --parser msgpack --deflate": both,
	} {
		if got := strings.Join(s.set(r).command, " "); got != want || !s.can(r) {
			t.Errorf("%s: started with %q, want %q", r.title, got, want)
		}
	}
	without := &server{name: "w", lacks: map[feature]string{featureMsgPack: "no such parser"}}
	p := &plan{
		rows: []row{packed, small, both, plain}, servers: []*server{s, without},
		absent: []*absent{{"a", "a package"}},
	}
	want := []string{"a: everything: it needs a package", "w: packed; both: no such parser"}
	if got := p.leftOut(); !slices.Equal(got, want) {
		t.Errorf("left out: %q, want %q", got, want)
	}
}
