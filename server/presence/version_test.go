package presence

import (
	"testing"
	"time"

	"github.com/sockeye-io/sockeye/server/socketio/wire"
)

// A cluster is brought from one release to the next node by node: what a newer node says
// in addition is left alone, and the rest is understood.
func TestWhatANewerNodeAddsIsLeftAlone(t *testing.T) {
	sea(t, Options{}, func(_ *fleet, a, _, _ *ship) {
		say := func(text string) {
			t.Helper()
			args, err := wire.ParseJSONList([]byte(text))
			if err != nil {
				t.Fatal(err)
			}
			a.hear(args)
		}
		const node = `"n":"ZXCVBNMASDFG"`
		say(`[{"v":1,"k":"delta",` + node + `,"t":1,"zone":"b"},{"r":[{"n":"lobby","s":[{"u":"ann","s":["s1"],"away":true}],"topic":"x"}],"x":[1]},"more"]`)
		pass(time.Second)
		a.want("join lobby ann")
		say(`[{"v":1,"k":"dance",` + node + `,"t":7,"e":9}]`)
		say(`[{"v":2,"k":"delta",` + node + `,"t":2},{"r":[{"n":"lobby","s":[{"u":"bea","s":["s2"]}]}]}]`)
		pass(time.Second)
		a.want()
		say(`[{"v":1,"k":"delta",` + node + `,"t":2},{"r":[{"n":"lobby","d":["ann"]}]}]`)
		pass(time.Second)
		a.want("leave lobby ann")
	})
}
