package carry

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/http/httputil"
	"net/textproto"
	"strconv"
	"strings"
	"time"
)

// maxInformational bounds how many answers of status 1xx may come before the answer.
const maxInformational = 5

var errBadAnswer = errors.New("the answer is none of HTTP/1.1")

// answer is the head of what an owner answered, and what came behind it.
type answer struct {
	status int
	fields []field
	length int64 // of the body; lengthUnknown: chunks, or until the connection ends
	chunks bool
	last   bool   // the connection takes no other request
	node   string // who answered
	why    string // why the owner did not accept the carried request, or ""

	buf         *buffer // holds everything above, and the beginning of the body
	start, head int     // where the head begins and ends
}

// field is a header.
type field struct{ name, value string }

func (a *answer) free() {
	a.buf.free()
	a.buf = nil
}

// rest is what of the body has come with the head.
func (a *answer) rest() []byte { return a.buf.b[a.head:] }

// readAnswer waits for an answer. No buffer is held while it waits. begun says, with
// an error, that a part of the answer had come.
func (c *conn) readAnswer() (a answer, begun bool, err error) {
	b, err := c.next()
	if err != nil {
		return answer{}, false, err
	}
	if cap(b.b) < bufferSize {
		big := getBuffer()
		big.b = append(big.b, b.b...)
		b = big
	}
	at := 0
	for range maxInformational {
		end, err := c.head(b, at)
		if err != nil {
			b.free()
			return answer{}, true, err
		}
		a, err := parseAnswer(b.b[at:end])
		if err != nil {
			b.free()
			return answer{}, true, err
		}
		if a.status >= 200 || a.status == http.StatusSwitchingProtocols {
			a.buf, a.start, a.head = b, at, end
			return a, true, nil
		}
		at = end
	}
	b.free()
	return answer{}, true, errBadAnswer
}

// head reads on until the head that begins at at is complete, and returns its end.
func (c *conn) head(b *buffer, at int) (int, error) {
	for from := at; ; {
		if i := bytes.Index(b.b[from:], []byte("\r\n\r\n")); i >= 0 {
			return from + i + 4, nil
		}
		from = max(at, len(b.b)-3)
		if len(b.room()) == 0 {
			return 0, errBadAnswer
		}
		n, err := c.Read(b.room())
		b.fill(n)
		if n == 0 && err != nil {
			return 0, unexpected(err)
		}
	}
}

// unexpected says of an end that it is one.
func unexpected(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// parseAnswer reads a head, which ends in an empty line.
func parseAnswer(head []byte) (answer, error) {
	text := string(head[:len(head)-2])
	line, rest, _ := strings.Cut(text, "\r\n")
	proto, code, _ := strings.Cut(line, " ")
	code, _, _ = strings.Cut(code, " ")
	status, err := strconv.Atoi(code)
	if proto != "HTTP/1.1" && proto != "HTTP/1.0" || err != nil || len(code) != 3 || status < 100 {
		return answer{}, errBadAnswer
	}
	a := answer{status: status, length: lengthUnknown, last: proto == "HTTP/1.0", fields: make([]field, 0, 12)}
	var named []string
	for rest != "" {
		line, rest, _ = strings.Cut(rest, "\r\n")
		name, value, ok := strings.Cut(line, ":")
		if !ok || name == "" || strings.ContainsAny(name, " \t") {
			return answer{}, errBadAnswer
		}
		name, value = textproto.CanonicalMIMEHeaderKey(name), strings.Trim(value, " \t")
		switch name {
		case "Content-Length":
			n, err := strconv.ParseUint(value, 10, 62)
			if err != nil || a.length >= 0 && a.length != int64(n) {
				return answer{}, errBadAnswer
			}
			if a.length >= 0 {
				continue
			}
			a.length = int64(n)
		case "Transfer-Encoding":
			if !strings.EqualFold(value, "chunked") {
				return answer{}, errBadAnswer
			}
			a.chunks = true
		case "Connection":
			named = append(named, value)
			a.last = a.last || hasToken(value, "close")
		case headerNode:
			a.node = value
			continue
		case headerRefused:
			a.why = value
			continue
		}
		if name == "Content-Length" || !hopByHop[name] {
			a.fields = append(a.fields, field{name, value})
		}
	}
	return a.settle(named)
}

// hasToken reports whether a header that lists tokens names one.
func hasToken(value, token string) bool {
	for one := range strings.SplitSeq(value, ",") {
		if strings.EqualFold(strings.TrimSpace(one), token) {
			return true
		}
	}
	return false
}

// settle judges how long the body is (RFC 9112, section 6.3).
func (a answer) settle(named []string) (answer, error) {
	switch {
	case a.status == http.StatusNoContent || a.status == http.StatusNotModified || a.status < 200:
		a.length, a.chunks = 0, false
	case a.chunks && a.length >= 0:
		return answer{}, errBadAnswer
	case a.chunks || a.length < 0:
		a.last = true
	}
	if len(named) > 0 {
		kept := a.fields[:0]
		for _, f := range a.fields {
			if !lists(named, f.name) {
				kept = append(kept, f)
			}
		}
		a.fields = kept
	}
	return a, nil
}

// setHeaders gives the client what the owner said. What this node has set of the same
// names, such as by a middleware that both have, goes.
func (a *answer) setHeaders(h http.Header) {
	values := make([]string, 0, len(a.fields))
	for i, f := range a.fields {
		first := true
		for _, earlier := range a.fields[:i] {
			first = first && earlier.name != f.name
		}
		if !first {
			h[f.name] = append(h[f.name], f.value)
			continue
		}
		values = append(values, f.value)
		h[f.name] = values[len(values)-1 : len(values) : len(values)]
	}
}

// answerPiece is how much of a body is written at once, in bytes, and pieceTimeout how
// long a client may take nothing of it.
const (
	answerPiece  = 16 << 10
	pieceTimeout = 30 * time.Second
)

// errOwner is an answer that broke off at the owner's side, errClient one that the
// client did not take.
var (
	errOwner  = errors.New("the answer of the owner broke off")
	errClient = errors.New("the client did not take the answer")
)

// relay writes the answer to the client as it comes. When it returns nil, all was
// written, and c can take another request unless a.last.
func (a *answer) relay(w http.ResponseWriter, c *conn) error {
	a.setHeaders(w.Header())
	w.WriteHeader(a.status)
	rest := a.rest()
	if a.length >= 0 && a.length < int64(len(rest)) {
		a.last = true // what is behind it was not asked for
		rest = rest[:a.length]
	}
	if a.length != int64(len(rest)) || len(rest) > answerPiece {
		return a.relayLong(w, c, rest)
	}
	if len(rest) == 0 {
		return nil
	}
	_, err := w.Write(rest)
	return clientError(err)
}

func clientError(err error) error {
	if err == nil {
		return nil
	}
	return errors.Join(errClient, err)
}

// relayLong is relay for a body that comes, or goes, in several pieces.
func (a *answer) relayLong(w http.ResponseWriter, c *conn, rest []byte) error {
	body := io.MultiReader(bytes.NewReader(rest), &patient{c})
	switch {
	case a.length >= 0:
		body = io.LimitReader(body, a.length)
	case a.chunks:
		body = httputil.NewChunkedReader(body)
	}
	rc := http.NewResponseController(w)
	piece := getBuffer()
	defer piece.free()
	var total int64
	for {
		n, err := body.Read(piece.b[:answerPiece])
		if n > 0 {
			_ = rc.SetWriteDeadline(time.Now().Add(pieceTimeout)) // a server that cannot has limits of its own
			_, werr := w.Write(piece.b[:n])
			if werr == nil && a.length < 0 {
				werr = rc.Flush()
			}
			if werr != nil {
				return clientError(werr)
			}
			total += int64(n)
		}
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return errors.Join(errOwner, err)
		}
	}
	if a.length >= 0 && total < a.length {
		return errors.Join(errOwner, io.ErrUnexpectedEOF)
	}
	err := rc.Flush()
	_ = rc.SetWriteDeadline(time.Time{})
	if c.SetReadDeadline(time.Time{}) != nil {
		a.last = true
	}
	return clientError(err)
}

// patient reads a body, of which something must come in its time.
type patient struct{ c *conn }

func (p *patient) Read(b []byte) (int, error) {
	_ = p.c.SetReadDeadline(time.Now().Add(pieceTimeout)) // one that fails is broken, as the reading finds out
	return p.c.Read(b)
}
