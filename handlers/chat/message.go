package chat

import (
	"fmt"
	"strconv"
	"time"
)

// User is how others see a user.
type User struct {
	ID   string `json:"id"`
	Nick string `json:"nick"`
}

// Message is one message of a room, as it is kept and sent.
type Message struct {
	ID   string `json:"id"`
	Room string `json:"room"`
	User User   `json:"user"`
	Text string `json:"text"`
	Time int64  `json:"time"` // milliseconds since 1970
	Key  string `json:"key,omitempty"`
}

// messageOverhead is what a kept message takes beside its strings, in bytes, roughly:
// the struct, its allocation and its place in the log.
const messageOverhead = 160

func (m *Message) size() int64 {
	return int64(messageOverhead + len(m.ID) + len(m.User.ID) + len(m.User.Nick) + len(m.Text) + len(m.Key))
}

// Private is one message from a user to another.
type Private struct {
	ID   string `json:"id"`
	From User   `json:"from"`
	To   User   `json:"to"`
	Text string `json:"text"`
	Time int64  `json:"time"` // milliseconds since 1970
	Key  string `json:"key,omitempty"`
}

// sent is the ack of a message.
type sent struct {
	ID   string `json:"id"`
	Time int64  `json:"time"` // milliseconds since 1970
}

// The parts of an id: 11 hexadecimal digits of milliseconds since 1970, 5 that count
// within the millisecond, and the node.
const (
	timeLen = 11
	seqLen  = 5
	nodeLen = 4
	idLen   = timeLen + seqLen + nodeLen
)

// idSource makes the ids of messages: of one length, ascending in the order of making,
// and after every id that this node has heard of; also over a restart unless the clock
// is set back by more than the restart took.
type idSource struct {
	node string // nodeLen characters, so that two processes do not make the same id

	last int64 // milliseconds since 1970
	seq  int
}

// maxSeq is the most ids of one millisecond; then the next one is borrowed.
const maxSeq = 0xfffff

func (s *idSource) next(now time.Time) string {
	if ms := now.UnixMilli(); ms > s.last {
		s.last, s.seq = ms, 0
	} else if s.seq++; s.seq > maxSeq {
		s.last, s.seq = s.last+1, 0
	}
	return fmt.Sprintf("%0*x%0*x%s", timeLen, s.last, seqLen, s.seq, s.node)
}

// idBefore returns an id before all that are made at a time or later.
func idBefore(t time.Time) string {
	return fmt.Sprintf("%0*x%0*x%0*d", timeLen, max(1, t.UnixMilli()), seqLen, 0, nodeLen, 0)
}

// maxAhead is how far ahead of this node's clock the clocks of others may be, and their
// messages still come before what is said here later.
const maxAhead = time.Minute

// follow has the next id come after one that another node has made.
func (s *idSource) follow(id string, now time.Time) {
	ms, seq := timeOf(id), seqOf(id)
	if ms > now.Add(maxAhead).UnixMilli() {
		return
	}
	if ms > s.last || ms == s.last && seq > s.seq {
		s.last, s.seq = ms, seq
	}
}

// timeOf returns the milliseconds of an id, 0 if it is none.
func timeOf(id string) int64 {
	if len(id) != idLen {
		return 0
	}
	ms, err := strconv.ParseInt(id[:timeLen], 16, 64)
	if err != nil {
		return 0
	}
	return ms
}

func seqOf(id string) int {
	if len(id) != idLen {
		return 0
	}
	seq, err := strconv.ParseInt(id[timeLen:timeLen+seqLen], 16, 32)
	if err != nil {
		return 0
	}
	return int(seq)
}

// nodeOf returns the node of an id, "" if it is none.
func nodeOf(id string) string {
	if len(id) != idLen {
		return ""
	}
	return id[timeLen+seqLen:]
}
