package engineio

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
)

// story writes down what an Observer is told.
type story struct {
	mu   sync.Mutex
	told []string
}

func (s *story) tell(format string, a ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.told = append(s.told, fmt.Sprintf(format, a...))
}

func (s *story) SessionOpened(transport string, protocol int) {
	s.tell("opened %s %d", transport, protocol)
}
func (s *story) UpgradeTried()                       { s.tell("upgrade tried") }
func (s *story) SessionUpgraded(protocol int)        { s.tell("upgraded %d", protocol) }
func (s *story) UpgradeFailed(why UpgradeFailure)    { s.tell("upgrade failed: %s", why) }
func (s *story) RequestRefused(code int, why string) { s.tell("refused %d: %s", code, why) }
func (s *story) MessageDropped(n int)                { s.tell("dropped %d", n) }
func (s *story) PollHoldShortened()                  { s.tell("hold shortened") }
func (s *story) WebSocketDiedYoung()                 { s.tell("died young") }
func (s *story) UpgradeWithheld()                    { s.tell("upgrade withheld") }
func (s *story) KeepAliveLearned()                   { s.tell("keep-alive learned") }
func (s *story) SessionClosed(transport string, protocol int, c *CloseError) {
	s.tell("closed %s %d: %s, %s", transport, protocol, c.Reason, c.Detail)
}

func TestTheObserverIsToldTheStoryOfASession(t *testing.T) {
	t.Parallel()
	var s story
	f := serve(t, &Options{Observer: &s, AllowEIO3: true}, nil)
	c := f.poll(3)
	if got := c.side().Protocol(); got != 3 {
		t.Errorf("protocol %d", got)
	}
	_ = c.side().Send(says("v"), Volatile)
	f.get("EIO=4&transport=polling&sid=none")
	up := c.upgrade("EIO=3&transport=websocket&sid=" + c.SID)
	c.complete(up)
	up.send("1")
	up.closes()
	c.side().ended(t, ReasonTransportClose, DetailClosePacket)
	s.mu.Lock()
	defer s.mu.Unlock()
	want := []string{"opened polling 3", "dropped 1", "refused 1: unknown sid", "upgrade tried", "upgraded 3", "closed websocket 3: transport close, close packet"}
	if !slices.Equal(s.told, want) {
		t.Errorf("told %q", s.told)
	}
}

func TestNothingIsTakenAfterTheEnd(t *testing.T) {
	t.Parallel()
	f := serve(t, nil, nil)
	c := f.poll(4)
	c.side().end(&CloseError{Reason: ReasonForcedClose})
	c.side().ended(t, ReasonForcedClose, DetailNone)
	c.get().refused(t, http.StatusBadRequest, 1, "Session ID unknown")
	c.post("4x").refused(t, http.StatusBadRequest, 1, "Session ID unknown")
	if _, err := f.tryUpgrade("EIO=4&transport=websocket&sid=" + c.SID); err == nil {
		t.Error("upgraded")
	}
}

// Messages of every size, gathered into writes or too long for one, stay in
// order and whole.
func TestMessagesOfEverySizeStayInOrder(t *testing.T) {
	t.Parallel()
	f := serve(t, &Options{OutboxLimit: 64 << 20, OutboxMax: 64 << 20}, nil)
	s := f.ws(4)
	random := rand.New(rand.NewPCG(5, 6))
	sizes := make([]int, 300)
	for i := range sizes {
		switch i % 4 {
		case 0:
			sizes[i] = random.IntN(100)
		case 1:
			sizes[i] = random.IntN(5000)
		case 2:
			sizes[i] = 65_000 + random.IntN(1000) // around what one write gathers
		case 3:
			sizes[i] = random.IntN(150_000)
		}
		if err := s.side(f).Send(says(strings.Repeat(string(rune('a'+i%26)), sizes[i])), 0); err != nil {
			t.Fatal(err)
		}
	}
	for i, n := range sizes {
		if got := s.text(); got != "4"+strings.Repeat(string(rune('a'+i%26)), n) {
			t.Fatalf("message %d has %d bytes, want %d", i, len(got)-1, n)
		}
	}
}
