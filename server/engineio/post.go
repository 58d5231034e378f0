package engineio

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"os"
	"time"
	"unicode/utf8"
)

// post is a POST being read and delivered.
type post struct {
	id   requestID
	done chan struct{} // see awaitedLocked; nil unless somebody waits
}

// awaitedLocked returns what is closed when the POST has been answered, or has failed.
func (p *post) awaitedLocked() <-chan struct{} {
	if p.done == nil {
		p.done = make(chan struct{})
	}
	return p.done
}

// servePost takes the packets of a POST of a polling session.
func (s *Session) servePost(x *exchange) {
	me := &post{id: x.q.id}
	for {
		done, repeat, refusal := s.enterPost(me)
		switch {
		case refusal != nil:
			x.refuse(*refusal)
			return
		case repeat:
			_, _, _ = x.readBody() // it was delivered before; it is read so that the answer reaches the client
			x.answerOK()
			return
		case done != nil: // sent again while the first is being read
			select {
			case <-done:
				continue
			case <-x.gone():
				return
			}
		}
		break
	}
	defer s.donePost(me)
	body, binary, err := x.readBody()
	if err != nil {
		s.postFailed(me, x, err)
		return
	}
	s.srv.stats.bytesIn.Add(uint64(len(body)))
	s.poll.fare.pay(x.gone(), s, len(body))
	if err := x.decodeBody(body, binary, s.deliver); err != nil {
		s.leavePost(0)
		if !errors.Is(err, errEnded) {
			s.end(&CloseError{Reason: ReasonParseError, Detail: DetailBadPacket, Err: err})
			x.refuse(refusal{code: codeBadRequest, message: badRequestFor(s.Err()), context: map[string]any{"name": "BAD_PACKET"}})
			return
		}
		if c := s.Err(); c != nil && c.Detail != DetailClosePacket {
			x.refuse(refusal{code: codeBadRequest, message: badRequestFor(c), context: map[string]any{"name": "SESSION_ENDED"}})
			return
		}
		x.answerOK()
		return
	}
	s.leavePost(me.id)
	x.answerOK()
	x.usual = true
}

// badRequestFor is the message of a 400 to what ended a session.
func badRequestFor(c *CloseError) string {
	if c != nil {
		if why := closeText(c); why != "" {
			return "Bad request: " + why
		}
	}
	return "" // the usual one
}

// enterPost makes the POST the one being read; or tells that it was answered
// before, or what to wait for, or why it is refused.
func (s *Session) enterPost(me *post) (done <-chan struct{}, repeat bool, r *refusal) {
	s.mu.Lock()
	p := s.poll
	switch {
	case s.state == stateClosed || s.ws != nil || p == nil:
		s.mu.Unlock()
		return nil, false, &refusal{code: codeUnknownSID}
	case me.id != 0 && (me.id == p.posted[0] || me.id == p.posted[1]):
		s.mu.Unlock()
		return nil, true, nil
	case p.posting == nil:
		p.posting = me
		stopTimer(p.postGrace)
		s.mu.Unlock()
		return nil, false, nil
	case me.id != 0 && p.posting.id == me.id:
		done = p.posting.awaitedLocked()
		s.mu.Unlock()
		return done, false, nil
	}
	s.mu.Unlock()
	s.end(&CloseError{Reason: ReasonTransportError, Detail: DetailPostOverlap})
	return nil, false, &refusal{code: codeBadRequest, context: map[string]any{"name": "POST_OVERLAP"}}
}

// donePost tells those who wait for the POST.
func (s *Session) donePost(me *post) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.poll.posting == me { // a panic came before leavePost
		s.poll.posting = nil
	}
	if me.done != nil {
		close(me.done)
	}
}

// leavePost ends the POST being read; posted is its id if it was delivered.
func (s *Session) leavePost(posted requestID) {
	s.mu.Lock()
	s.poll.posting = nil
	if posted != 0 {
		s.poll.posted = [2]requestID{posted, s.poll.posted[0]}
	}
	s.mu.Unlock()
}

// bodyError is a body that cannot be taken.
type bodyError struct {
	detail Detail
	status int
	err    error
}

func (e *bodyError) Error() string { return "engineio: " + string(e.detail) }
func (e *bodyError) Unwrap() error { return e.err }

// postFailed answers a body that could not be read. A body that was cut may be
// sent again by a proxy; anything else ends the session.
func (s *Session) postFailed(me *post, x *exchange, err error) {
	s.leavePost(0)
	var be *bodyError
	if !errors.As(err, &be) {
		be = &bodyError{detail: DetailBodyAborted, status: http.StatusBadRequest, err: err}
	}
	c := &CloseError{Reason: ReasonTransportError, Detail: be.detail, Err: be.err}
	if be.detail == DetailBodyAborted && me.id != 0 {
		s.mu.Lock()
		s.graceLocked(&s.poll.postGrace, c)
		s.mu.Unlock()
	} else {
		s.end(c)
	}
	if x.w == nil {
		x.outOfLane()
	}
	x.w.Header().Set("Connection", "close") // what is left of the body is not waited for
	x.refuse(refusal{code: codeBadRequest, status: be.status, message: sentence(be.detail), context: map[string]any{"name": string(be.detail)}})
}

// sentence says in the answer what was wrong with a body.
func sentence(d Detail) string {
	switch d { //nolint:exhaustive // the rest is Node's message for its code
	case DetailPayloadTooLarge:
		return "Payload too large"
	case DetailBodyTimeout:
		return "Request body timeout"
	case DetailBadContentType:
		return "Bad content type: protocol 4 sends binary as base64 text"
	case DetailBadUTF8:
		return "Request body is not UTF-8"
	}
	return ""
}

// readBody reads the whole body of a POST, and for JSONP the payload in it.
func (x *exchange) readBody() (body []byte, binary bool, err error) {
	binary = x.isBinary()
	if binary && x.q.protocol != 3 {
		return nil, false, &bodyError{detail: DetailBadContentType, status: http.StatusBadRequest}
	}
	if body, err = x.fetchBody(); err != nil {
		return nil, false, err
	}
	if x.q.jsonp && !binary {
		if body, err = jsonpPayload(body); err != nil {
			return nil, false, err
		}
	}
	if !binary && !utf8.Valid(body) {
		return nil, false, &bodyError{detail: DetailBadUTF8, status: http.StatusBadRequest}
	}
	return body, binary, nil
}

// isBinary reports whether the body is said to be binary.
func (x *exchange) isBinary() bool {
	if x.conn != nil {
		return x.like.Value().binary
	}
	media, _, _ := mime.ParseMediaType(x.r.Header.Get("Content-Type")) // clients send what they like; only one type means something
	return media == typeBinary
}

// fetchBody reads the body as it came.
func (x *exchange) fetchBody() ([]byte, error) {
	if x.conn != nil {
		return x.body, nil
	}
	limit := x.srv.opts.MaxPayload
	if x.r.ContentLength > limit {
		return nil, &bodyError{detail: DetailPayloadTooLarge, status: http.StatusRequestEntityTooLarge}
	}
	rc := http.NewResponseController(x.w)
	_ = rc.SetReadDeadline(time.Now().Add(x.srv.opts.BodyTimeout)) // a server that cannot has limits of its own
	body, err := readAtMost(x.r.Body, x.r.ContentLength, limit)
	_ = rc.SetReadDeadline(time.Time{})
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return nil, &bodyError{DetailBodyTimeout, http.StatusRequestTimeout, err}
	}
	return body, err
}

// readAtMost reads a body of known or unknown length (-1), bounded by limit.
// The memory grows with what has come, not with what was announced.
func readAtMost(r io.Reader, length, limit int64) ([]byte, error) {
	size := int64(512)
	if length >= 0 {
		size = min(length+1, busyBuffer)
	}
	b := make([]byte, 0, size)
	for {
		n, err := r.Read(b[len(b):cap(b)])
		b = b[:len(b)+n]
		if int64(len(b)) > limit {
			return nil, &bodyError{detail: DetailPayloadTooLarge, status: http.StatusRequestEntityTooLarge}
		}
		if errors.Is(err, io.EOF) {
			return b, nil
		}
		if err != nil {
			return nil, err
		}
		if len(b) == cap(b) {
			b = append(b, 0)[:len(b)]
		}
	}
}

// jsonpPayload takes the payload out of a JSONP form.
func jsonpPayload(body []byte) ([]byte, error) {
	form, err := url.ParseQuery(string(body))
	if err != nil || !form.Has("d") {
		return nil, &bodyError{detail: DetailBadPacket, status: http.StatusBadRequest, err: err}
	}
	return []byte(jsonpUnescaper.Replace(form.Get("d"))), nil
}
