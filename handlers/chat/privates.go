package chat

// privateKeys knows private messages again: the last maxPrivates of all users.
type privateKeys struct {
	byKey map[privateKey]sent
	order []privateKey // a ring
	next  int
}

type privateKey struct{ from, to, key string }

// maxPrivates is how many private messages are known again.
const maxPrivates = 10_000

// repeated finds the answer to a private message that was sent before.
func (p *privateKeys) repeated(k privateKey) (sent, bool) {
	if k.key == "" {
		return sent{}, false
	}
	ack, again := p.byKey[k]
	return ack, again
}

// forget undoes keep. The place in the ring stays taken.
func (p *privateKeys) forget(k privateKey) { delete(p.byKey, k) }

func (p *privateKeys) keep(k privateKey, ack sent) {
	if _, known := p.byKey[k]; known || k.key == "" {
		return
	}
	if p.byKey == nil {
		p.byKey = make(map[privateKey]sent)
	}
	if len(p.order) < maxPrivates {
		p.order = append(p.order, k)
	} else {
		delete(p.byKey, p.order[p.next])
		p.order[p.next] = k
		p.next = (p.next + 1) % maxPrivates
	}
	p.byKey[k] = ack
}
