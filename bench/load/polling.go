package load

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"syscall"
	"time"
)

// maxPost is how many bytes of packets one POST carries: half of the limit that
// servers announce by default.
const maxPost = 500_000

// turnDigits is the length of the cache-busting query parameter.
const turnDigits = 8

// polling is a transport over two kept-alive connections, as browsers use them:
// on one a GET always waits, on the other packets are posted, one POST at a time.
type polling struct {
	c    *client
	get  exchange
	post exchange

	queue   []byte // packets that wait for the POST under way
	decoded []byte // a binary packet
	owner   loop   // nil while dialling
	turn    uint64 // for the cache-busting query parameter
	pulled  string // the sid that is in the request of the last GET
	closed  bool
	paused  bool // no further GET: the session is being upgraded
}

// exchange is one connection with at most one request under way.
type exchange struct {
	p       *polling
	link    *link // nil while there is no connection
	replies responses
	busy    bool
	begun   bool // part of the response has arrived
	request []byte
	retried bool
}

func newPolling(c *client) *polling {
	p := &polling{c: c}
	p.get.p, p.post.p = p, p
	return p
}

func (p *polling) send(packet []byte, binary bool) {
	if len(p.queue) > 0 {
		p.queue = append(p.queue, separator)
	}
	if binary {
		p.queue = base64.StdEncoding.AppendEncode(append(p.queue, eioBinary), packet)
	} else {
		p.queue = append(p.queue, packet...)
	}
	if err := p.push(); err != nil {
		p.c.end(err)
	}
}

// push posts what is queued, unless a POST is under way.
func (p *polling) push() error {
	if p.post.busy || p.closed || len(p.queue) == 0 || p.c.sid == "" {
		return nil
	}
	body, rest := p.queue, []byte(nil)
	if len(body) > maxPost {
		if cut := bytes.LastIndexByte(body[:maxPost], separator); cut > 0 {
			body, rest = body[:cut], body[cut+1:]
		}
	}
	p.turn++
	p.post.request = fmt.Appendf(p.post.request[:0],
		"POST %s?EIO=4&transport=polling&t=%x&sid=%s%s HTTP/1.1\r\nHost: %s\r\n"+
			"Content-Type: text/plain;charset=UTF-8\r\nContent-Length: %d\r\n%s\r\n",
		p.c.ep.path, p.turn, p.c.sid, p.c.ep.query, p.c.ep.host, len(body), p.c.ep.header)
	p.post.request = append(p.post.request, body...)
	p.queue = append(p.queue[:0], rest...)
	return p.post.start()
}

// pull sends the next GET.
func (p *polling) pull() error {
	if p.get.busy || p.closed || p.paused {
		return nil
	}
	p.turn++
	if len(p.get.request) == 0 || p.pulled != p.c.sid {
		p.pulled = p.c.sid
		sid := ""
		if p.c.sid != "" {
			sid = "&sid=" + p.c.sid
		}
		p.get.request = fmt.Appendf(p.get.request[:0], "GET %s?EIO=4&transport=polling&t=%0*x%s%s HTTP/1.1\r\nHost: %s\r\n%s\r\n",
			p.c.ep.path, turnDigits, 0, sid, p.c.ep.query, p.c.ep.host, p.c.ep.header)
	}
	at := len("GET ") + len(p.c.ep.path) + len("?EIO=4&transport=polling&t=")
	appendHex(p.get.request[:at], p.turn, turnDigits) // in place
	return p.get.start()
}

func (p *polling) attach(l loop) error {
	p.owner = l
	for _, x := range []*exchange{&p.get, &p.post} {
		if x.link == nil {
			continue
		}
		if err := l.attach(x.link); err != nil {
			return err
		}
	}
	return nil
}

func (p *polling) close() {
	p.closed = true
	for _, x := range []*exchange{&p.get, &p.post} {
		if x.link != nil {
			x.link.close()
		}
	}
}

// start sends the request on the connection that is there, or on a new one.
func (x *exchange) start() error {
	x.busy, x.begun, x.retried = true, false, false
	if x.link == nil {
		if err := x.dial(); err != nil {
			return err
		}
	}
	x.write()
	return nil
}

func (x *exchange) write() {
	x.link.out = append(x.link.out, x.request...)
	x.link.touch()
}

// dial opens the connection. On loopback that takes microseconds, so the loop
// waits for it; so it does where that takes longer, as it is rare.
func (x *exchange) dial() error {
	conn, err := x.p.c.dial()
	if err != nil {
		return fmt.Errorf("dial: %w", err)
	}
	x.replies = responses{}
	x.link = &link{conn: conn, to: x}
	if x.p.owner != nil {
		return x.p.owner.attach(x.link)
	}
	return nil
}

var errStatus = errors.New("unexpected HTTP status")

func (x *exchange) feed(p []byte) error {
	if !x.busy {
		return fmt.Errorf("bytes without a request: %w", errMalformedResponse)
	}
	x.begun = true
	x.p.c.heard = time.Now()
	resp, complete, err := x.replies.feed(p)
	if !complete || err != nil {
		return err
	}
	x.busy = false
	if resp.status != 200 {
		return fmt.Errorf("%w %d: %.80q", errStatus, resp.status, resp.body)
	}
	if resp.close {
		x.link.close()
		x.link = nil
	}
	if x == &x.p.post {
		return x.p.push()
	}
	if err := x.p.payload(resp.body); err != nil {
		return err
	}
	if x.p.c.onward != nil && x.p.c.sid != "" {
		x.p.move()
	}
	return x.p.pull()
}

// move goes on with the session at another node.
func (p *polling) move() {
	p.c.ep, p.c.onward = *p.c.onward, nil
	p.pulled = ""
	for _, x := range []*exchange{&p.get, &p.post} {
		if x.link != nil {
			x.link.close()
			x.link = nil
		}
	}
}

// payload takes the packets of one poll.
func (p *polling) payload(body []byte) error {
	for more := true; more && !p.closed; {
		var packet []byte
		packet, body, more = bytes.Cut(body, []byte{separator})
		if len(packet) > 0 && packet[0] == eioBinary {
			var err error
			if p.decoded, err = base64.StdEncoding.AppendDecode(p.decoded[:0], packet[1:]); err != nil {
				return fmt.Errorf("binary packet: %w", err)
			}
			p.c.binary(p.decoded)
			continue
		}
		if err := p.c.receive(packet); err != nil {
			return err
		}
	}
	return nil
}

// ended redials when the server closed a kept-alive connection: at rest that is
// its right (Node does so after 5 s), and a POST that crossed with it is repeated
// once, as browsers do.
func (x *exchange) ended(err error) {
	x.link = nil
	if x.p.closed || !x.busy && closedByPeer(err) {
		return
	}
	if x != &x.p.post || x.begun || x.retried || !closedByPeer(err) {
		x.p.c.end(err)
		return
	}
	x.retried = true
	if err := x.dial(); err != nil {
		x.p.c.end(err)
		return
	}
	x.write()
}

// closedByPeer covers what a connection says that the server has closed, before
// and after a write.
func closedByPeer(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}
