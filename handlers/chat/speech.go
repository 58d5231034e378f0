package chat

import (
	"fmt"

	"github.com/sockeye-io/sockeye/server/socketio"
)

// speech is a message that a room is yet to hear. Who said it waits for the outcome, so
// that a connection has one at most.
type speech struct {
	*Message
	outcome chan error
}

// say notes a message of a room and passes it on, once per key. It returns when the room
// has heard it.
func (h *hall) say(c connection, name, text, key string) (sent, error) {
	text, err := checkText(text, h.opts.MaxText)
	if err != nil {
		return sent{}, err
	}
	if err := checkKey(key); err != nil {
		return sent{}, err
	}
	m, outcome, err := h.noteMessage(c, name, text, key)
	if err != nil {
		return sent{}, err
	}
	if outcome != nil {
		if err := <-outcome; err != nil {
			return sent{}, fmt.Errorf("chat: a message was heard by nobody: %w", err)
		}
	}
	return sent{ID: m.ID, Time: m.Time}, nil
}

// noteMessage returns the message and what says how it fared; nil for one that was said
// before.
func (h *hall) noteMessage(c connection, name, text, key string) (*Message, <-chan error, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	r, user, err := h.insideLocked(c, name)
	if err != nil {
		return nil, nil, err
	}
	if m := r.repeated(user, key); m != nil {
		return m, nil, nil
	}
	if h.ended.Err() != nil {
		return nil, nil, socketio.ErrServerClosed
	}
	now := h.now()
	m := &Message{ID: h.ids.next(now), Room: r.name, User: h.shownLocked(user), Text: text, Time: now.UnixMilli(), Key: key}
	h.keepLocked(r, m)
	outcome := make(chan error, 1)
	r.queue = append(r.queue, speech{m, outcome})
	if !r.speaking {
		r.speaking = true
		h.running.Go(func() { h.speak(r) })
	}
	return m, outcome, nil
}

// insideLocked finds a room that a connection is in, and whose connection it is.
func (h *hall) insideLocked(c connection, name string) (*room, string, error) {
	t, err := h.tabLocked(c)
	if err != nil {
		return nil, "", err
	}
	r := h.rooms[name]
	if r != nil {
		if _, inside := t.rooms[r]; inside {
			return r, t.user, nil
		}
	}
	return nil, "", &refusal{"not_in_room", "this connection is not in the room " + name + "; join it first"}
}

// keepLocked adds to the history and drops what is above the bounds. It reports whether
// the message was not there before.
func (h *hall) keepLocked(r *room, m *Message) bool {
	if !r.insert(m) {
		return false
	}
	h.bytes += m.size()
	if r.written == nil {
		r.written = h.written.PushBack(r)
	} else {
		h.written.MoveToBack(r.written)
	}
	for len(r.log) > h.opts.History {
		h.bytes -= r.drop()
	}
	for h.bytes > h.opts.HistoryBytes {
		oldest, ok := h.written.Front().Value.(*room)
		if !ok {
			return true // cannot be: the list holds rooms only
		}
		h.bytes -= oldest.drop()
		if len(oldest.log) == 0 {
			h.unlistLocked(oldest)
		}
		if len(oldest.log) == 0 && oldest.tabs == 0 {
			h.closeLocked(oldest)
		}
	}
	return true
}

// whisper passes a private message to all tabs of both users, once per key.
func (h *hall) whisper(c connection, to, text, key string) (sent, error) {
	text, err := checkText(text, h.opts.MaxText)
	if err != nil {
		return sent{}, err
	}
	if err := checkKey(key); err != nil {
		return sent{}, err
	}
	p, fresh, err := h.notePrivate(c, to, text, key)
	if err != nil {
		return sent{}, err
	}
	ack := sent{ID: p.ID, Time: p.Time}
	if !fresh {
		return ack, nil
	}
	if key != "" { // where that fails the key is not known again, and nothing worse
		_ = h.voice.toNodes(&nodeMessage{V: protocol, Kind: kindPrivate, From: p.From.ID, To: to, Key: key, Sent: &ack})
	}
	if err := h.voice.toUsers("private", p, p.To.ID, p.From.ID); err != nil {
		h.mu.Lock()
		h.privates.forget(privateKey{p.From.ID, to, key})
		h.mu.Unlock()
		return sent{}, fmt.Errorf("chat: a private message was heard by nobody: %w", err)
	}
	return ack, nil
}

func (h *hall) notePrivate(c connection, to, text, key string) (p *Private, fresh bool, err error) {
	target, here := h.people.User(to)
	h.mu.Lock()
	defer h.mu.Unlock()
	t, err := h.tabLocked(c)
	if err != nil {
		return nil, false, err
	}
	k := privateKey{t.user, to, key}
	if ack, again := h.privates.repeated(k); again {
		return &Private{ID: ack.ID, Time: ack.Time}, false, nil
	}
	if !here {
		return nil, false, &refusal{"not_here", "this user is not here now"}
	}
	now := h.now()
	p = &Private{
		ID: h.ids.next(now), From: h.shownLocked(t.user), To: User{ID: to, Nick: nickOf(to, target.Meta)},
		Text: text, Time: now.UnixMilli(), Key: key,
	}
	h.privates.keep(k, sent{ID: p.ID, Time: p.Time})
	return p, true, nil
}

// typist returns who is typing in a room, for the notice to the others.
func (h *hall) typist(c connection, name string) (User, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	_, user, err := h.insideLocked(c, name)
	if err != nil {
		return User{}, err
	}
	return h.shownLocked(user), nil
}

// speak emits what a room is to hear, in order, until there is nothing left. The other
// nodes keep a message before anybody hears it, so that who comes back to another node
// finds it.
func (h *hall) speak(r *room) {
	for queue := h.nextSpeech(r); len(queue) > 0; queue = h.nextSpeech(r) {
		all := make([]*Message, len(queue))
		for i := range queue {
			all[i] = queue[i].Message
		}
		for len(all) > 0 {
			part := firstPart(all)
			h.tellNodes(part)
			all = all[len(part):]
		}
		for _, s := range queue {
			err := h.voice.toRoom(r.name, "message", s.Message)
			if err != nil {
				h.withdraw(r, s.Message)
			}
			s.outcome <- err
		}
	}
}

// nextSpeech takes the queue; an empty one ends the speaking.
func (h *hall) nextSpeech(r *room) []speech {
	h.mu.Lock()
	defer h.mu.Unlock()
	queue := r.queue
	r.queue = nil
	r.speaking = len(queue) > 0
	return queue
}

// withdraw takes a message that nobody has heard out of the history: sent again, it is
// not taken for a repeat.
func (h *hall) withdraw(r *room, m *Message) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !r.remove(m.ID) {
		return
	}
	h.bytes -= m.size()
	if len(r.log) == 0 {
		h.unlistLocked(r)
	}
}
