package chat

// say notes a message of a room and passes it on, once per key.
func (h *hall) say(socketID, name, text, key string) (sent, error) {
	text, err := checkText(text, h.opts.MaxText)
	if err != nil {
		return sent{}, err
	}
	if err := checkKey(key); err != nil {
		return sent{}, err
	}
	r, m, err := h.noteMessage(socketID, name, text, key)
	if err != nil {
		return sent{}, err
	}
	h.speak(r)
	return sent{ID: m.ID, Time: m.Time}, nil
}

func (h *hall) noteMessage(socketID, name, text, key string) (*room, *Message, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	r, u, err := h.insideLocked(socketID, name)
	if err != nil {
		return nil, nil, err
	}
	if m := r.repeated(u.id, key); m != nil {
		return r, m, nil
	}
	now := h.now()
	m := &Message{ID: h.ids.next(now), Room: r.name, User: u.shown(), Text: text, Time: now.UnixMilli(), Key: key}
	h.keepLocked(r, m)
	r.tell("message", m)
	return r, m, nil
}

// insideLocked finds a room that a connection is in.
func (h *hall) insideLocked(socketID, name string) (*room, *user, error) {
	t, err := h.tabLocked(socketID)
	if err != nil {
		return nil, nil, err
	}
	r := h.rooms[name]
	if r != nil {
		if _, inside := t.rooms[r]; inside {
			return r, t.user, nil
		}
	}
	return nil, nil, &refusal{"not_in_room", "this connection is not in the room " + name + "; join it first"}
}

// keepLocked appends to the history and drops what is above the bounds.
func (h *hall) keepLocked(r *room, m *Message) {
	r.log = append(r.log, m)
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
			return // cannot be: the list holds rooms only
		}
		h.bytes -= oldest.drop()
		if len(oldest.log) == 0 {
			h.unlistLocked(oldest)
		}
		if len(oldest.log) == 0 && len(oldest.people) == 0 {
			h.closeLocked(oldest)
		}
	}
}

// whisper passes a private message to all tabs of both users, once per key.
func (h *hall) whisper(socketID, to, text, key string) (sent, error) {
	text, err := checkText(text, h.opts.MaxText)
	if err != nil {
		return sent{}, err
	}
	if err := checkKey(key); err != nil {
		return sent{}, err
	}
	p, fresh, err := h.notePrivate(socketID, to, text, key)
	if err != nil {
		return sent{}, err
	}
	if fresh {
		h.voice.toUsers("private", p, p.To.ID, p.From.ID)
	}
	return sent{ID: p.ID, Time: p.Time}, nil
}

func (h *hall) notePrivate(socketID, to, text, key string) (p *Private, fresh bool, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	t, err := h.tabLocked(socketID)
	if err != nil {
		return nil, false, err
	}
	from := t.user
	if ack, again := from.repeated(to, key); again {
		return &Private{ID: ack.ID, Time: ack.Time}, false, nil
	}
	target := h.users[to]
	if target == nil {
		return nil, false, &refusal{"not_here", "this user is not here now"}
	}
	now := h.now()
	p = &Private{ID: h.ids.next(now), From: from.shown(), To: target.shown(), Text: text, Time: now.UnixMilli(), Key: key}
	from.keep(to, key, sent{ID: p.ID, Time: p.Time})
	return p, true, nil
}

// typist returns who is typing in a room, for the notice to the others.
func (h *hall) typist(socketID, name string) (User, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	_, u, err := h.insideLocked(socketID, name)
	if err != nil {
		return User{}, err
	}
	return u.shown(), nil
}

// speak emits what a room is to hear, in order, unless another goroutine is doing so;
// that one takes what was queued meanwhile too.
func (h *hall) speak(r *room) {
	if !h.takeFloor(r) {
		return
	}
	for {
		queue := h.nextSpeech(r)
		if len(queue) == 0 {
			return
		}
		for _, n := range queue {
			h.voice.toRoom(r.name, n.event, n.payload)
		}
	}
}

func (h *hall) takeFloor(r *room) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if r.speaking {
		return false
	}
	r.speaking = true
	return true
}

// nextSpeech takes the queue; an empty one gives the floor back.
func (h *hall) nextSpeech(r *room) []notice {
	h.mu.Lock()
	defer h.mu.Unlock()
	queue := r.queue
	r.queue = nil
	r.speaking = len(queue) > 0
	return queue
}
