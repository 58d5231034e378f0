package engineio

import (
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unique"
)

// Error codes of refused requests, as in Node's server.
const (
	codeUnknownTransport = iota
	codeUnknownSID
	codeBadMethod
	codeBadRequest
	codeForbidden
	codeBadProtocol
)

// errorTable gives message and status of each code, in one place.
var errorTable = [...]struct {
	message string
	status  int
}{
	codeUnknownTransport: {"Transport unknown", http.StatusBadRequest},
	codeUnknownSID:       {"Session ID unknown", http.StatusBadRequest},
	codeBadMethod:        {"Bad handshake method", http.StatusBadRequest},
	codeBadRequest:       {"Bad request", http.StatusBadRequest},
	codeForbidden:        {"Forbidden", http.StatusForbidden},
	codeBadProtocol:      {"Unsupported protocol version", http.StatusBadRequest},
}

// refusal is why a request is refused.
type refusal struct {
	code       int
	status     int           // 0: the code's own
	message    string        // "": the code's own
	retryAfter time.Duration // 0: nothing is said of it
	always     bool          // the status is that of a WebSocket handshake too
	context    map[string]any
}

// Refusal is an error of Options.AllowRequest that chooses how the handshake is
// answered.
type Refusal struct {
	// Status of the answer; 0 is 403. A WebSocket handshake is answered with it too, for
	// proxies that know 429 and 503; but with 400 instead of 403, as in Node.
	Status int
	// Message is the body's. The body's code is 4 with status 403, 3 with any other.
	Message string
	// RetryAfter, if above zero, is told in the header of that name, in whole seconds.
	RetryAfter time.Duration
	// Name is for ConnectionError.Context.
	Name string
}

// Error returns the message.
func (r *Refusal) Error() string { return r.Message }

// refusalOf is how an error of Options.AllowRequest is answered.
func refusalOf(err error) *refusal {
	f := &refusal{code: codeForbidden, message: err.Error(), context: map[string]any{"message": err.Error()}}
	var r *Refusal
	if !errors.As(err, &r) {
		return f
	}
	f.message, f.retryAfter = r.Message, r.RetryAfter
	if r.Status != 0 && r.Status != http.StatusForbidden {
		f.code, f.status, f.always = codeBadRequest, r.Status, true
	}
	if r.Name != "" {
		f.context["name"] = r.Name
	}
	return f
}

// exchange is one request and its answer.
type exchange struct {
	srv *Server
	w   http.ResponseWriter
	r   *http.Request
	q   query

	session *Session // whose poll this is, or nil
	usual   bool     // it was answered as most are

	// In the lane, where w and r are nil until outOfLane.
	conn  *laneConn
	like  unique.Handle[pattern]
	began time.Time
	body  []byte
}

// gone is closed when the client has left. In the lane nobody looks during a POST.
func (x *exchange) gone() <-chan struct{} {
	if x.conn != nil {
		return nil
	}
	return x.r.Context().Done()
}

// refuse answers with the error body of the protocol.
func (x *exchange) refuse(f refusal) {
	f.complete()
	if x.w == nil {
		x.outOfLane()
	}
	if isUpgrade(x.r) {
		if !f.always {
			f.status = http.StatusBadRequest // Node answers every refused upgrade so
		}
		x.w.Header().Set("Connection", "close")
	}
	if f.status == http.StatusTooManyRequests { // who sends too much shall not do so cheaply
		x.w.Header().Set("Connection", "close")
	}
	if f.retryAfter > 0 {
		seconds := (f.retryAfter + time.Second - 1) / time.Second
		x.w.Header().Set("Retry-After", strconv.FormatInt(int64(seconds), 10))
		x.w.Header().Add("Access-Control-Expose-Headers", "Retry-After")
	}
	if x.r.ContentLength != 0 { // net/http reads what is left of a body, which may never come
		_ = http.NewResponseController(x.w).SetReadDeadline(time.Now().Add(lingerTimeout)) // it is net/http that resets it
	}
	x.report(&f)
	body, err := json.Marshal(struct {
		Code    int    `json:"code"`
		Message string `json:"message"`
	}{f.code, f.message})
	if err != nil {
		panic(err) // a number and a string always can be marshalled
	}
	x.write(f.status, typeJSON, "", body)
}

// complete fills in what the code says by itself.
func (f *refusal) complete() {
	row := errorTable[f.code]
	if f.message == "" {
		f.message = row.message
	}
	if f.status == 0 {
		f.status = row.status
	}
}

// report tells those who listen of a refusal.
func (x *exchange) report(f *refusal) {
	x.srv.opts.Observer.RequestRefused(f.code, f.why())
	if hear := x.srv.opts.ConnectionError; hear != nil {
		hear(&ConnectionError{Request: x.r, Code: f.code, Message: f.message, Context: f.context})
	}
}

// withoutUpgrade says what a proxy in between may have done to a WebSocket handshake
// that cannot be one, or "" where it was the client.
func (x *exchange) withoutUpgrade(upgrade bool) string {
	switch {
	case !upgrade && x.q.transport == TransportWebSocket && x.r.ProtoMajor == 1:
		return "Bad request: a WebSocket handshake without an Upgrade header, which a proxy may have removed"
	case upgrade && !x.r.ProtoAtLeast(1, 1):
		return "Bad request: a WebSocket handshake in HTTP/1.0, which a proxy may have chosen: it needs HTTP/1.1"
	}
	return ""
}

// answerOK answers a POST.
func (x *exchange) answerOK() {
	if x.conn != nil {
		x.conn.write(x, typeHTML, "", false, okBody)
		return
	}
	x.srv.setHeaders(x.w.Header(), x.r, "")
	x.write(http.StatusOK, typeHTML, "", okBody)
}

var okBody = []byte("ok")

// answerPoll answers a GET.
func (x *exchange) answerPoll(a *pollAnswer) {
	if x.conn == nil {
		x.srv.setHeaders(x.w.Header(), x.r, "")
	}
	x.writePoll(a)
	x.usual = true
}

func (x *exchange) writePoll(a *pollAnswer) {
	z := x.srv.opts.HTTPCompression
	vary := z != nil && a.compress && len(a.body) >= z.Threshold
	coding, body := "", a.body
	if vary {
		if coding = x.coding(); coding != "" {
			body = compressed(coding, body)
		}
	}
	if x.conn != nil {
		x.conn.write(x, a.contentType, coding, vary, body)
		return
	}
	if vary {
		x.w.Header().Add("Vary", varyCoding)
	}
	x.write(http.StatusOK, a.contentType, coding, body)
}

// coding is the content coding that the client takes, or "".
func (x *exchange) coding() string {
	if x.conn != nil {
		return x.like.Value().coding
	}
	return acceptedCoding(x.r)
}

func (x *exchange) write(status int, contentType, encoding string, body []byte) {
	h := x.w.Header()
	h.Set("Content-Type", contentType)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	h.Set("Cache-Control", "no-store")
	if encoding != "" {
		h.Set("Content-Encoding", encoding)
	}
	if ua := x.r.UserAgent(); strings.Contains(ua, ";MSIE") || strings.Contains(ua, "Trident/") {
		h.Set("X-XSS-Protection", "0") // old Internet Explorer mistakes payloads for script
	}
	x.w.WriteHeader(status)
	if err := x.writeBody(body); err != nil {
		x.srv.opts.Logger.Debug("answer not written", "error", err)
	}
}

// answerPiece is how much of a body is written at once, in bytes. A body that is
// shorter always finds room in the buffers of server and kernel; but over HTTP/2 the
// client may have shut the window of the stream.
const answerPiece = 16 << 10

// writeBody writes a body piece by piece, so that a slow reader's progress shows,
// and one that takes nothing of a piece for BodyTimeout does not hold the
// connection for good.
func (x *exchange) writeBody(body []byte) error {
	rc, size := http.NewResponseController(x.w), len(body)
	if size <= answerPiece {
		if x.r.ProtoMajor > 1 { // the deadline ends with the stream
			_ = rc.SetWriteDeadline(time.Now().Add(x.srv.opts.BodyTimeout)) // a server that cannot has limits of its own
		}
		_, err := x.put(body)
		return err
	}
	for len(body) > 0 {
		_ = rc.SetWriteDeadline(time.Now().Add(x.srv.opts.BodyTimeout)) // a server that cannot has limits of its own
		n, err := x.put(body[:min(len(body), answerPiece)])
		if err != nil {
			return err
		}
		if x.session != nil {
			x.session.took(n)
		}
		body = body[n:]
	}
	err := rc.Flush()
	_ = rc.SetWriteDeadline(time.Time{})
	if x.session != nil {
		x.session.answerHandedOver(size)
	}
	return err
}

// put writes a piece of a body, and counts it.
func (x *exchange) put(b []byte) (int, error) {
	n, err := x.w.Write(b)              //nolint:gosec,nolintlint // payloads, which the content type says are no page; the linter sees them now and then
	x.srv.stats.bytesOut.Add(uint64(n)) //nolint:gosec // a count is not negative
	return n, err
}

// The content codings that Node's server offers, in its order of preference.
const (
	codingGzip    = "gzip"
	codingDeflate = "deflate" // the zlib format (RFC 9110, section 8.4.1.2)
)

// acceptedCoding picks a content coding that the client takes, or none.
func acceptedCoding(r *http.Request) string {
	picked := ""
	for _, v := range r.Header.Values("Accept-Encoding") {
		for one := range strings.SplitSeq(v, ",") {
			name, params, _ := strings.Cut(strings.TrimSpace(one), ";")
			q, weighted := strings.CutPrefix(strings.ReplaceAll(params, " ", ""), "q=")
			if weighted && strings.Trim(q, "0.") == "" {
				continue
			}
			switch strings.ToLower(strings.TrimSpace(name)) {
			case codingGzip, "*":
				return codingGzip
			case codingDeflate:
				picked = codingDeflate
			}
		}
	}
	return picked
}
