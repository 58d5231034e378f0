package carry

import (
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/sockeye-io/sockeye/server/nodes"
)

// bodyTimeout bounds how long the body of a POST may take. The owner has a bound of
// its own, which is shorter and so speaks first.
const bodyTimeout = 35 * time.Second

// lastWord is how long an answer is still waited for when the request could not be
// written to its end.
const lastWord = time.Second

// carry has the owner of a session serve a request.
func (c *Carrier) carry(w http.ResponseWriter, r *http.Request, owner nodes.Node, sid string) {
	f := &flight{began: time.Now()}
	kind := Post
	switch {
	case isUpgrade(r):
		kind = WebSocket
	case r.Method == http.MethodGet:
		kind, f.sid = Poll, sid
	}
	c.opts.Observer.Carried(Sent, kind)
	if err := c.enter(owner, f); err != nil {
		c.fail(w, r, owner, err)
		return
	}
	defer c.leave(f)
	req := request{r: r, uri: target(r), rc: http.NewResponseController(w)}
	defer req.free()
	if err := c.prepare(&req); err != nil {
		c.fail(w, r, owner, err)
		return
	}
	if req.broken {
		f.tell(context.WithoutCancel(r.Context()), &req)
		c.fail(w, r, owner, errBody)
		return
	}
	stop := context.AfterFunc(r.Context(), func() { f.peer.abort(f, errAborted) })
	defer stop()
	conn, a, err := f.exchange(r.Context(), &req)
	if err != nil {
		c.fail(w, r, owner, err)
		return
	}
	defer a.free()
	c.leave(f) // it is answered: silence means nothing any more
	f.peer.hear()
	if f.peer.wasCut(f) != nil {
		a.last = true // whoever cut it, a moment too late, closes the connection
	}
	if err := f.peer.judge(&a, kind); err != nil {
		_ = conn.Close() // whoever that was
		c.fail(w, r, owner, err)
		return
	}
	if kind == WebSocket && a.status == http.StatusSwitchingProtocols {
		c.join(w, r, conn, &a)
		return
	}
	if r.ProtoMajor > 1 { // where the client can shut the window of its stream
		_ = req.rc.SetWriteDeadline(time.Now().Add(pieceTimeout)) // a server that cannot has limits of its own
	}
	if req.more || kind == WebSocket {
		w.Header().Set("Connection", "close") // what still comes is not waited for
	}
	c.relayAnswer(w, owner, f.peer, conn, &a)
}

// leave ends a flight. It may be called again.
func (c *Carrier) leave(f *flight) {
	if f.peer.leave(f) {
		c.flights.Add(-1)
	}
}

// judge says what is wrong with an answer that is not the owner's. The one that opens
// a WebSocket is engineio's own and names no node.
func (p *peer) judge(a *answer, kind Kind) error {
	opens := a.status == http.StatusSwitchingProtocols
	switch {
	case a.why != "":
		return &failure{ReasonRefused, errors.New(a.why)}
	case opens != (a.node == "") || opens && kind != WebSocket || !opens && a.node != p.node.ID:
		return stranger(p, a)
	}
	return nil
}

// relayAnswer hands an answer to the client, and the connection back.
func (c *Carrier) relayAnswer(w http.ResponseWriter, owner nodes.Node, p *peer, conn *conn, a *answer) {
	err := a.relay(w, conn)
	if err == nil && !a.last {
		p.rest(conn)
		return
	}
	_ = conn.Close() // it takes no other request
	if errors.Is(err, errOwner) {
		c.failed(owner, &failure{ReasonBroken, err})
		panic(http.ErrAbortHandler) // the only way to tell a client that an answer broke off
	}
}

// request is a client's request on its way.
type request struct {
	r   *http.Request
	rc  *http.ResponseController
	uri string

	out    *buffer // what is written first: the head, and as much of the body as came
	length int64   // of the body
	first  int64   // how much of it is in out
	more   bool    // the body goes on
	broken bool    // the body has ended early
}

func (q *request) free() { q.out.free() }

// prepare reads what there is of the body and writes the head before it. Most bodies
// have come with their request, so that one write takes all of it.
func (c *Carrier) prepare(q *request) error {
	body := getBuffer()
	defer body.free()
	q.readBody(body)
	var room [256]byte
	sealed, ok := c.seal.append(room[:0], q.r.Method, q.uri, &credentials{
		from: c.self, at: time.Now().Unix(), addr: q.r.RemoteAddr, tls: q.r.TLS != nil,
	})
	if !ok {
		return errNoSecret
	}
	q.out = getBuffer()
	q.out.b = appendHead(q.out.b, q.r, q.uri, q.length, sealed)
	if q.length == lengthUnknown {
		q.out.b = appendChunk(q.out.b, body.b)
	} else {
		q.out.b = append(q.out.b, body.b...)
	}
	return nil
}

// readBody reads once, and finds out how long the body is and whether more comes.
func (q *request) readBody(body *buffer) {
	q.length = lengthNone
	if q.r.Method != http.MethodPost {
		return // nobody reads it
	}
	if q.length = q.r.ContentLength; q.length == 0 || q.r.Body == nil || q.r.Body == http.NoBody {
		q.length = 0
		return
	}
	_ = q.rc.SetReadDeadline(time.Now().Add(bodyTimeout)) // a server that cannot has limits of its own
	n, err := q.r.Body.Read(body.room())
	for n == 0 && err == nil {
		n, err = q.r.Body.Read(body.room())
	}
	body.fill(n)
	q.first = int64(n)
	switch {
	case errors.Is(err, io.EOF) || q.length >= 0 && int64(n) == q.length:
		_ = q.rc.SetReadDeadline(time.Time{}) // see above
		if q.length < 0 {
			q.length = int64(n)
		}
		q.broken = int64(n) < q.length
	case err != nil:
		q.broken = true
	default:
		q.more = true
	}
}

// tell hands the owner a request whose body has ended early, so that it finds out as it
// would have by itself. There may be no client left to answer.
func (f *flight) tell(ctx context.Context, q *request) {
	c, err := f.peer.connect(ctx, false)
	if err != nil {
		return // the owner is gone, too
	}
	_ = c.SetWriteDeadline(time.Now().Add(lastWord)) // see Write
	_, _ = c.Write(q.out.b)                          // the owner may be gone, too
	_ = c.Close()                                    // this is what it is about
}

// repeatable reports whether the request may be sent again: the owner knows it by its
// t, and answers it as it did before.
func (q *request) repeatable() bool {
	return !q.more && (strings.Contains(q.uri, "&t=") || strings.Contains(q.uri, "?t="))
}

// exchange sends a request to the owner and waits for the head of the answer. The
// connection is the caller's then.
func (f *flight) exchange(ctx context.Context, q *request) (*conn, answer, error) {
	for fresh := false; ; fresh = true {
		c, err := f.peer.connect(ctx, fresh)
		if err != nil {
			if cut := f.peer.wasCut(f); cut != nil {
				err = cut
			}
			return nil, answer{}, dialFailure(err)
		}
		if err := f.peer.hold(f, c); err != nil {
			_ = c.Close() // the request is over
			return nil, answer{}, err
		}
		a, begun, err := f.once(c, q)
		if err == nil {
			return c, a, nil
		}
		_ = c.Close() // it is of no use any more
		if cut := f.peer.wasCut(f); cut != nil {
			return nil, answer{}, cut
		}
		if !c.reused || begun || !q.repeatable() {
			return nil, answer{}, &failure{ReasonBroken, err}
		}
	}
}

// dialFailure names why there is no connection.
func dialFailure(err error) error {
	var f *failure
	switch {
	case errors.As(err, &f) || errors.Is(err, errAborted):
		return err
	case isTimeout(err):
		return &failure{ReasonSilent, err}
	}
	return &failure{ReasonUnreachable, err}
}

func isTimeout(err error) bool {
	return errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, context.DeadlineExceeded)
}

// once writes the request on a connection and waits for the answer.
func (f *flight) once(c *conn, q *request) (answer, bool, error) {
	if q.more {
		return f.stream(c, q)
	}
	_, werr := c.Write(q.out.b)
	if werr != nil { // the owner may have said why before it closed
		_ = c.SetReadDeadline(time.Now().Add(lastWord)) // fails if the connection has
	}
	a, begun, err := c.readAnswer()
	if werr != nil && err != nil {
		err = werr
	}
	if werr != nil {
		a.last = true
	}
	return a, begun, err
}

// stream writes the beginning of a request, and the rest of its body as it comes, until
// there is an answer. A body that breaks off ends the connection, as it would have at
// the owner.
func (f *flight) stream(c *conn, q *request) (answer, bool, error) {
	var complete atomic.Bool // the body has come to its end
	uploaded := make(chan struct{})
	go func() {
		defer close(uploaded)
		if _, err := c.Write(q.out.b); err != nil {
			return // the answer, or its absence, says more
		}
		if err := q.copyBody(c, &complete); err != nil {
			f.peer.abort(f, err)
		}
	}()
	a, begun, err := c.readAnswer()
	_ = c.SetWriteDeadline(time.Now().Add(lastWord)) // the owner has answered, or is gone
	if !complete.Load() {
		q.stop()
		a.last = true
	}
	<-uploaded
	if q.more = !complete.Load(); !q.more {
		_ = q.rc.SetReadDeadline(time.Time{}) // see readBody
	}
	if c.SetWriteDeadline(time.Time{}) != nil {
		a.last = true
	}
	return a, begun, err
}

var longAgo = time.Unix(1, 0)

// stop wakes whoever reads the body. The client's connection takes no other request.
func (q *request) stop() { _ = q.rc.SetReadDeadline(longAgo) } // it fails for a connection that has

// errBody is a body that the client did not send to its end.
var errBody = errors.New("the body of the request broke off")

// copyBody writes what still comes of the body, and its end.
func (q *request) copyBody(c *conn, complete *atomic.Bool) error {
	b := getBuffer()
	defer b.free()
	for sent := q.first; sent != q.length; {
		n, err := q.r.Body.Read(b.b[:answerPiece])
		sent += int64(n)
		complete.Store(sent == q.length || q.length < 0 && errors.Is(err, io.EOF))
		if werr := q.writePiece(c, b.b[:n]); werr != nil {
			return nil //nolint:nilerr // the answer, or its absence, says more
		}
		switch {
		case err == nil:
			continue
		case q.length < 0 && errors.Is(err, io.EOF):
			_, _ = c.Write([]byte("0\r\n\r\n")) // see above
			q.length = sent
		case sent != q.length:
			return errors.Join(errBody, err)
		}
	}
	return nil
}

func (q *request) writePiece(c *conn, piece []byte) error {
	if len(piece) == 0 {
		return nil
	}
	if q.length < 0 {
		piece = appendChunk(nil, piece)
	}
	_, err := c.Write(piece)
	return err
}

// appendChunk appends a chunk (RFC 9112, section 7.1); one of nothing would be the last.
func appendChunk(b, data []byte) []byte {
	if len(data) == 0 {
		return b
	}
	b = strconv.AppendInt(b, int64(len(data)), 16)
	b = append(b, "\r\n"...)
	b = append(b, data...)
	return append(b, "\r\n"...)
}
