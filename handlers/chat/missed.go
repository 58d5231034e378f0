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
	beatEvery = 3 * time.Second
	// maxSkew is how far the clocks of two nodes may be apart, and still all of a hole is
	// asked for.
	maxSkew = time.Minute
	// forgetAfter is how long after it was heard a node is forgotten.
	forgetAfter = 10 * time.Minute
	// maxHeard is how many nodes are followed, and maxOutrun how many messages of one that
	// come before others.
	maxHeard  = 1024
	maxOutrun = 4096
)

// heard is what was heard of a node.
type heard struct {
	upto  uint64              // all up to this number
	ahead map[uint64]struct{} // and these: rooms speak at the same time
	at    time.Time           // last
}

// missed is what a client hears that should join a room again, with this after.
type missed struct {
	Room  string `json:"room"`
	After string `json:"after"`
}

// beat says every few seconds how far this node is, until the hall ends. One that is not
// heard is repaired by the next.
func (h *hall) beat() {
	ticker := time.NewTicker(beatEvery)
	defer ticker.Stop()
	for {
		_ = h.voice.toNodes(h.standing())
		h.askOwed()
		select {
		case <-ticker.C:
		case <-h.ended.Done():
			return
		}
	}
}

// standing is how far this node was at the last beat: all of that has gone out before
// what is said now. It also forgets nodes that are gone.
func (h *hall) standing() *nodeMessage {
	h.mu.Lock()
	defer h.mu.Unlock()
	for node, of := range h.heard {
		if h.now().Sub(of.at) > forgetAfter {
			delete(h.heard, node)
		}
	}
	upto := h.settled
	h.settled = h.told
	return &nodeMessage{V: protocol, Kind: kindBeat, Node: h.people.Node(), Told: upto}
}

// tellNodes has the other nodes keep messages. What does not reach them they notice.
func (h *hall) tellNodes(messages []*Message) {
	h.mu.Lock()
	h.told++
	m := &nodeMessage{V: protocol, Kind: kindMessage, Node: h.people.Node(), Told: h.told, Messages: messages}
	h.mu.Unlock()
	_ = h.voice.toNodes(m)
}

// heardOfLocked returns what was heard of a node. A node that has just started asks for
// the others' history in any case, and takes them as they are; later it hears of every
// other from its first message on.
func (h *hall) heardOfLocked(node string, now uint64) *heard {
	of := h.heard[node]
	if of == nil {
		of = &heard{at: h.started, ahead: make(map[uint64]struct{})}
		if h.now().Sub(h.started) < 2*beatEvery {
			of.upto = now
		}
		if len(h.heard) < maxHeard {
			h.heard[node] = of
		}
	}
	return of
}

// followLocked notes that a message of a node was heard.
func (h *hall) followLocked(node string, number uint64) {
	of := h.heardOfLocked(node, number-1)
	if number > of.upto {
		of.ahead[number] = struct{}{}
	}
	if len(of.ahead) > maxOutrun { // nothing runs so far ahead
		h.skipLocked(of, number)
	}
	of.advance()
	of.at = h.now()
}

// compareLocked notes how far a node is, and whether anything of it was lost.
func (h *hall) compareLocked(node string, upto uint64) {
	of := h.heardOfLocked(node, upto)
	if upto > of.upto {
		h.skipLocked(of, upto)
	}
	of.at = h.now()
}

// skipLocked gives up what was not heard of a node up to a number.
func (h *hall) skipLocked(of *heard, upto uint64) {
	for number := range of.ahead {
		if number <= upto {
			delete(of.ahead, number)
		}
	}
	of.upto = upto
	of.advance()
	h.missedLocked(idBefore(of.at.Add(-maxSkew)))
}

func (of *heard) advance() {
	for {
		if _, next := of.ahead[of.upto+1]; !next {
			return
		}
		of.upto++
		delete(of.ahead, of.upto)
	}
}

// missedLocked has the sockets of this node ask for what was said after an id.
func (h *hall) missedLocked(after string) {
	h.incompleteLocked()
	var names []string
	for name, r := range h.rooms {
		if r.tabs > 0 {
			names = append(names, name)
		}
	}
	h.tellMissedLocked(after, names...)
}

// tellMissedLocked has the sockets of this node in some rooms join them again.
func (h *hall) tellMissedLocked(after string, rooms ...string) {
	if h.ended.Err() != nil {
		return
	}
	h.running.Go(func() {
		for _, name := range rooms {
			h.voice.note(name, "missed", missed{Room: name, After: after})
		}
	})
}

// incompleteLocked has who joins a room ask other nodes for what they keep.
func (h *hall) incompleteLocked() {
	for _, r := range h.rooms {
		r.complete, r.missed = false, true
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
