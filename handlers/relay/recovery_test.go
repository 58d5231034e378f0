package relay_test

import (
	"strings"
	"testing"

	"github.com/sockeye-io/sockeye/adapters/memory"
	"github.com/sockeye-io/sockeye/handlers/internal/rawclient"
	"github.com/sockeye-io/sockeye/server/socketio"
)

const recovered = `
relay:
  namespaces:
    /game:
      enter: {do: join}
      move: {to: room-in-arg-0}
    /news:
      enter: {do: join}
  recovery:
    /game: 2m
`

func TestRecoveryIsOnWhereTheRulesSaySo(t *testing.T) {
	base := serveOptions(t, configured(t, recovered), &socketio.Options{Adapter: memory.New()}, func(*socketio.Server) {})
	ann, bea := rawclient.Dial(t, base, "/game", nil), rawclient.Dial(t, base, "/game", nil)
	for _, c := range []*rawclient.Client{ann, bea} {
		c.Call("enter", "7")
	}
	ann.Call("move", "7", 1)
	bea.Next("move")
	pid, offset := bea.Session()
	bea.Close()
	ann.Call("move", "7", 2)
	back := rawclient.Dial(t, base, "/game", map[string]string{"pid": pid, "offset": offset})
	if back.ID() != bea.ID() {
		t.Errorf("came back as %q, was %q", back.ID(), bea.ID())
	}
	if got := text(back.Next("move").Args); !strings.HasPrefix(got, "2") {
		t.Errorf("heard %s, want what was missed", got)
	}
	ann.Call("move", "7", 3)
	if got := text(back.Next("move").Args); !strings.HasPrefix(got, "3") {
		t.Errorf("heard %s", got)
	}
	if pid, _ := rawclient.Dial(t, base, "/news", nil).Session(); pid != "" {
		t.Error("another namespace has recovery, too")
	}
}

// An adapter that cannot is no reason not to start.
func TestWithoutARecoveringAdapterTheRulesWork(t *testing.T) {
	base := serve(t, configured(t, recovered))
	c := rawclient.Dial(t, base, "/game", nil)
	if got := text(c.Call("enter", "7")); got != `"ok"` {
		t.Errorf("answered %s", got)
	}
}

func TestConfigurationErrorsOfRecovery(t *testing.T) {
	for text, want := range map[string]string{
		`{recovery: {/admin: 1m}}`:                             `relay.recovery["/admin"]: there is no such key under relay.namespaces`,
		`{recovery: {/: 1m}, contract: false}`:                 `relay.recovery["/"]: there is no such key`,
		`{recovery: {/game-*: 1m}, namespaces: {/game-*: {}}}`: `relay.recovery["/game-*"]: this is a pattern`,
		`{recovery: {/: 0s}}`:                                  `relay.recovery["/"]: 0s is not above zero`,
	} {
		if err := configured(t, "relay: "+text).Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v; want one with %s", text, err, want)
		}
	}
	if err := configured(t, `relay: {recovery: {/: 1m, /game: 2m}, namespaces: {/game: {}}}`).Validate(); err != nil {
		t.Error(err)
	}
}
