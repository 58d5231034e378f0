package cluster

import (
	"encoding/json"
	"net/http"
	"net/textproto"
	"net/url"
	"strings"
	"time"

	"github.com/sockeye-io/sockeye/server/socketio"
)

// nodeTime is how JavaScript writes a Date as text (ECMA-262, Date.prototype.toString).
const nodeTime = "Mon Jan 02 2006 15:04:05 GMT-0700"

// handshake is what Node tells of a socket's handshake.
type handshake struct {
	Headers map[string]words `json:"headers"`
	Time    string           `json:"time"`
	Address string           `json:"address"`
	XDomain bool             `json:"xdomain"`
	Secure  bool             `json:"secure"`
	Issued  int64            `json:"issued"`
	URL     string           `json:"url"`
	Query   map[string]words `json:"query"`
	Auth    any              `json:"auth"`
}

// words is a string or a list of strings, which is what Node has for a header or a
// key of a query.
type words []string

// MarshalJSON writes one as a string, several as a list.
func (w words) MarshalJSON() ([]byte, error) {
	if len(w) == 1 {
		return json.Marshal(w[0])
	}
	return json.Marshal([]string(w))
}

// UnmarshalJSON reads a string, a list of strings, or anything else as nothing.
func (w *words) UnmarshalJSON(text []byte) error {
	var one string
	if json.Unmarshal(text, &one) == nil {
		*w = words{one}
		return nil
	}
	var list []string
	if json.Unmarshal(text, &list) != nil {
		list = nil
	}
	*w = list
	return nil
}

// secret reports whether a client proves by this header who it is. What does so stays on
// its node: whoever can ask over Redis would be told that of everybody who is connected.
// Plain WebSockets of browsers show tokens as subprotocols.
func secret(header string) bool {
	switch header {
	case "Cookie", "Authorization", "Proxy-Authorization", "Sec-Websocket-Protocol":
		return true
	}
	return false
}

// ticket is the parameter in which event streams and plain WebSockets show a short-lived
// token. It stays on its node too.
const ticket = "ticket"

// withoutTicket returns the target of a request as other nodes may know it.
func withoutTicket(target string) string {
	path, query, _ := strings.Cut(target, "?")
	values, err := url.ParseQuery(query)
	if err == nil && !values.Has(ticket) {
		return target
	}
	values.Del(ticket)
	return path + "?" + values.Encode()
}

// secretsOfAuth are fields of the payload of CONNECT that stay there too: the token, the
// secret of a session, and that of a user of the chat.
var secretsOfAuth = []string{"token", "pid", "offset", "secret"}

// withoutSecrets returns the payload of CONNECT as other nodes may know it.
func withoutSecrets(payload socketio.Raw) any {
	var fields map[string]json.RawMessage
	if payload.Decode(&fields) != nil { // none, or no object
		return struct{}{}
	}
	for _, name := range secretsOfAuth {
		delete(fields, name)
	}
	if fields == nil {
		return struct{}{}
	}
	return fields
}

// encodeHandshake writes a handshake as Node does, without its secrets.
func encodeHandshake(h *socketio.Handshake) json.RawMessage {
	out := handshake{
		Headers: make(map[string]words, len(h.Headers)), Time: h.Time.UTC().Format(nodeTime) + " (Coordinated Universal Time)",
		Address: h.Address, XDomain: h.XDomain, Secure: h.Secure, Issued: h.Issued, URL: withoutTicket(h.URL),
		Query: make(map[string]words, len(h.Query)), Auth: withoutSecrets(h.Auth),
	}
	for k, vs := range h.Headers {
		if secret(k) {
			continue
		}
		out.Headers[strings.ToLower(k)] = headerWords(k, vs)
	}
	for k, vs := range h.Query {
		if k != ticket {
			out.Query[k] = vs
		}
	}
	text, err := json.Marshal(out)
	if err != nil {
		return json.RawMessage("{}") // cannot be: it is made of text and a valid value
	}
	return text
}

// headerWords joins the lines of a header as Node's http does (message.headers).
func headerWords(key string, lines []string) words {
	switch {
	case len(lines) < 2 || key == "Set-Cookie":
		return lines
	default:
		return words{strings.Join(lines, ", ")}
	}
}

// decodeHandshake reads what another node tells. What it leaves out, or writes in
// another way, is empty.
func decodeHandshake(text json.RawMessage) *socketio.Handshake {
	var auth socketio.Raw
	in := handshake{Auth: &auth}
	_ = json.Unmarshal(text, &in) // what can be read is kept
	h := &socketio.Handshake{
		Headers: make(http.Header, len(in.Headers)), Time: time.UnixMilli(in.Issued), Address: in.Address,
		XDomain: in.XDomain, Secure: in.Secure, Issued: in.Issued, URL: in.URL,
		Query: make(url.Values, len(in.Query)), Auth: auth,
	}
	for k, vs := range in.Headers {
		h.Headers[textproto.CanonicalMIMEHeaderKey(k)] = vs
	}
	for k, vs := range in.Query {
		h.Query[k] = vs
	}
	return h
}
