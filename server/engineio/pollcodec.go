package engineio

import (
	"encoding/json"
	"strings"

	"github.com/sockeye-io/sockeye/server/engineio/wire"
)

// Content types of poll answers, as Node's server sends them; JSONP says what it
// is, because browsers do not run text/plain under nosniff.
const (
	typeText   = "text/plain; charset=UTF-8"
	typeBinary = "application/octet-stream"
	typeScript = "text/javascript; charset=UTF-8"
	typeHTML   = "text/html" // the "ok" of a POST
	typeJSON   = "application/json"
)

// packetAnswer is the answer that consists of one packet.
func (x *exchange) packetAnswer(m *Message) *pollAnswer {
	a, _ := x.encodePoll([]entry{{m: m}})
	return a
}

// encodePoll makes the answer of what was taken from the outbox, and tells what it
// took of a replay.
func (x *exchange) encodePoll(batch []entry) (a *pollAnswer, p replayed) {
	a = &pollAnswer{contentType: typeText}
	if batch[0].m == nil {
		batch, p = pullPage(batch[0])
	}
	x.srv.stats.messagesOut.Add(uint64(len(batch)))
	f := x.pollForm(batch)
	if f == formPoll3Binary {
		a.contentType = typeBinary
	}
	size := 0
	for _, e := range batch {
		size += len(e.m.encoded(f)) + 1
		a.compress = a.compress || e.flags&NoCompress == 0
	}
	if len(batch) == 1 {
		a.body = batch[0].m.encoded(f)
	} else {
		a.body = make([]byte, 0, size)
		for _, e := range batch {
			if f == formPoll4 && len(a.body) > 0 {
				a.body = append(a.body, wire.Separator)
			}
			a.body = append(a.body, e.m.encoded(f)...)
		}
	}
	if x.q.jsonp {
		a.contentType = typeScript
		a.body = jsonpBody(x.q.j, a.body)
	}
	return a, p
}

// pollForm picks the form of an answer: protocol 3 has a binary one, for
// clients that can take it, when there is something binary to say.
func (x *exchange) pollForm(batch []entry) form {
	if x.q.protocol != 3 {
		return formPoll4
	}
	if !x.q.b64 && !x.q.jsonp {
		for _, e := range batch {
			if e.m.hasBinary() {
				return formPoll3Binary
			}
		}
	}
	return formPoll3
}

// pullPage pulls one page of a replay; at least a noop, since a GET wants an
// answer.
func pullPage(e entry) (pulled []entry, p replayed) {
	size := 0
	for size < maxReplayAnswer {
		m := e.next()
		if m == nil {
			if len(pulled) == 0 {
				pulled = append(pulled, entry{m: noopPacket})
			}
			return pulled, p
		}
		pulled = append(pulled, entry{m: m})
		p.add(m)
		size += m.size
	}
	p.more = true
	return pulled, p
}

// jsonpBody wraps an answer in the call that a JSONP client waits for
// (protocol 3, "Transports, Polling, JSONP").
func jsonpBody(j string, body []byte) []byte {
	quoted, err := json.Marshal(string(body)) // also escapes U+2028 and U+2029
	if err != nil {
		panic(err) // a string always can be marshalled
	}
	b := make([]byte, 0, len(quoted)+len(j)+12)
	b = append(b, "___eio["...)
	b = append(b, j...)
	b = append(b, "]("...)
	b = append(b, quoted...)
	return append(b, ");"...)
}

// jsonpUnescaper undoes what a JSONP client does to newlines in its form field:
// a newline comes as \n, a backslash before an n as \\n.
var jsonpUnescaper = strings.NewReplacer(`\\n`, `\n`, `\n`, "\n")

// decodeBody calls yield for each packet of a POST body.
func (x *exchange) decodeBody(body []byte, binary bool, yield func(wire.Packet) error) error {
	switch {
	case x.q.protocol != 3:
		return wire.DecodePayload(body, yield)
	case binary:
		return wire.DecodeBinaryPayload3(body, yield)
	default:
		return wire.DecodePayload3(body, yield)
	}
}
