package presence

import (
	"testing"

	"github.com/sockeye-io/sockeye/server/socketio/wire"
)

// FuzzHear feeds messages to a node that knows some others: whatever comes, what it
// counts is what it has, and it says nothing impossible.
func FuzzHear(f *testing.F) {
	for _, seed := range []string{
		`[{"v":1,"k":"delta","n":"B","t":3},{"r":[{"n":"lobby","s":[{"u":"eve","s":["q2mF"],"n":40}],"d":["bea"]}],"m":[{"u":"ann","t":1767225600000,"m":"{\"nick\":\"Ann\"}"}]}]`,
		`[{"v":1,"k":"delta","n":"B","t":3},{"r":[{"n":"lobby","c":[500,600]},{"n":"den","l":true,"s":[{"u":""}]}]}]`,
		`[{"v":1,"k":"delta","n":"B","t":3},{"r":[{"n":"lobby","c":[0,0]},{"n":"lobby","d":["ann"]},{"n":"lobby","s":[{"u":"ann"},{"u":"ann","s":["a","b"]}]}]}]`,
		`[{"v":1,"k":"delta","n":"B","t":9},{}]`,
		`[{"v":1,"k":"page","n":"B","t":7,"p":0,"of":1},{"r":[{"n":"den","s":[{"u":"bea"}]},{"n":"den","c":[3,4]}]}]`,
		`[{"v":1,"k":"page","n":"B","t":7,"p":0,"of":2},{"r":[{"n":"den","s":[{"u":"bea"}]}]}]`,
		`[{"v":1,"k":"beat","n":"B","t":7,"e":31}]`,
		`[{"v":1,"k":"beat","n":"B","t":0,"e":31}]`,
		`[{"v":1,"k":"want","n":"C"},{"w":[{"n":"B","h":5},{"n":"x","h":-1}],"a":true}]`,
		`[{"v":1,"k":"bye","n":"B"}]`,
		`[{"v":2,"k":"delta","n":"B","t":3},{}]`,
		`[{"v":1,"k":"news","n":"B","t":3},{}]`,
		`[{"v":1,"k":"delta","n":"B","t":3}]`,
		`[]`, `["text",{"v":1}]`, `[{"v":1,"k":"delta","n":"B","t":3},{"r":{}}]`,
	} {
		f.Add(seed)
	}
	known := []string{
		`[{"v":1,"k":"delta","n":"B","t":1},{"r":[{"n":"lobby","s":[{"u":"ann","s":["b1"]},{"u":"bea"},{"u":"","s":["b2","b3"]}]}],"m":[{"u":"ann","t":1,"m":"1"}]}]`,
		`[{"v":1,"k":"delta","n":"B","t":2},{"r":[{"n":"big","c":[300,400]}]}]`,
		`[{"v":1,"k":"delta","n":"C","t":1},{"r":[{"n":"lobby","s":[{"u":"ann","s":["c1"]}]}]}]`,
	}
	f.Fuzz(func(t *testing.T, text string) {
		fl := newFleet(t, 1, Options{MaxMembers: 3})
		s := &ship{Presence: newPresence(fl.options), fleet: fl, name: "a", socks: make(map[string]*sock), mine: make(map[string]map[seating]bool)}
		s.link = func(head, any) error { return nil }
		defer s.sink(true)
		s.start()
		s.enter("a1", "lobby", "ann", nil)
		for _, message := range append(known[:len(known):len(known)], text, text) {
			args, err := wire.ParseJSONList([]byte(message))
			if err != nil {
				return
			}
			s.take(args)
		}
		s.audit()
		for _, name := range s.Rooms() {
			if r := s.Room(name); r.UserCount < 0 || r.SocketCount < 0 || len(r.Users) > 3 {
				t.Errorf("%s", textOf(r))
			}
		}
		for _, n := range s.Nodes() {
			s.mu.Lock()
			s.dropNodeLocked(s.others[n])
			s.settleLocked()
			s.mu.Unlock()
		}
		s.wantRoom("lobby", "1/1 ann"+meta(s)+"=a1(1)")
	})
}

// meta is what the node made of the metas that others gave ann.
func meta(s *ship) string {
	u, _ := s.User("ann")
	return string(u.Meta)
}
