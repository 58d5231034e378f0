package chat

import (
	"time"

	"github.com/sockeye-io/sockeye/server/socketio"
)

// What happens where messages were lost between nodes. Each node numbers what it tells
// the others, and says every few seconds how far it is, so that a hole is noticed. Then
// who joins a room has its history asked for again, and who is in one is told to join again.

const (
	// beatEvery is how often a node says how many messages it has told the others.
	beatEvery = 5 * time.Second
	// maxSkew is how far the clocks of two nodes may be apart, and still all of a hole is
	// asked for.
	maxSkew = time.Minute
	// forgetAfter is how long after it was heard a node is forgotten.
	forgetAfter = 10 * time.Minute
	// maxHeard is how many nodes are followed.
	maxHeard = 1024
)

// heard is how far a node was when it was heard last.
type heard struct {
	told uint64
	at   time.Time
}

// missed is what a client hears that should join a room again, with this after.
type missed struct {
	Room  string `json:"room"`
	After string `json:"after"`
}

// beat says every few seconds how many messages this node has told, until the hall ends.
// One that is not heard is repaired by the next.
func (h *hall) beat() {
	ticker := time.NewTicker(beatEvery)
	defer ticker.Stop()
	for {
		_ = h.voice.toNodes(&nodeMessage{V: protocol, Kind: kindMessage, Node: h.people.Node(), Told: h.toldSoFar()})
		select {
		case <-ticker.C:
		case <-h.ended.Done():
			return
		}
	}
}

// toldSoFar also forgets nodes that are gone.
func (h *hall) toldSoFar() uint64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	for node, last := range h.heard {
		if h.now().Sub(last.at) > forgetAfter {
			delete(h.heard, node)
		}
	}
	return h.told
}

// tellNodes has the other nodes keep messages. What does not reach them they notice.
func (h *hall) tellNodes(messages []*Message) {
	h.mu.Lock()
	h.told++
	m := &nodeMessage{V: protocol, Kind: kindMessage, Node: h.people.Node(), Told: h.told, Messages: messages}
	h.mu.Unlock()
	_ = h.voice.toNodes(m)
}

// followLocked notes how far another node is, and whether anything of it was lost. A node
// that has just started has the others' history asked for in any case; later it knows
// every node from its first message on.
func (h *hall) followLocked(m *nodeMessage) {
	last, known := h.heard[m.Node]
	now := h.now()
	if !known {
		last.at = h.started
		if now.Sub(h.started) < 2*beatEvery {
			last.told = m.Told
		}
	}
	expected := last.told
	if len(m.Messages) > 0 {
		expected++
	}
	if m.Told > expected {
		h.missedLocked(idBefore(last.at.Add(-maxSkew)))
	}
	if known || len(h.heard) < maxHeard {
		h.heard[m.Node] = heard{max(m.Told, last.told), now} // a message may overtake a beat
	}
}

// missedLocked has the sockets of this node ask for what was said after an id.
func (h *hall) missedLocked(after string) {
	h.incompleteLocked()
	if h.ended.Err() != nil {
		return
	}
	var names []string
	for name, r := range h.rooms {
		if r.tabs > 0 {
			names = append(names, name)
		}
	}
	h.running.Go(func() {
		for _, name := range names {
			h.voice.note(name, "missed", missed{Room: name, After: after})
		}
	})
}

// incompleteLocked has who joins a room ask other nodes for what they keep.
func (h *hall) incompleteLocked() {
	for _, r := range h.rooms {
		r.complete = false
	}
}

// adapterEvent hears that other nodes were out of reach, and are not any more.
func (h *hall) adapterEvent(e socketio.AdapterEvent) {
	if e.Kind == socketio.AdapterState && !e.Up {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.incompleteLocked()
}
