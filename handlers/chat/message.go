package chat

import (
	"fmt"
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

// idSource makes the ids of messages: fixed length, ascending in the order of making,
// also over a restart unless the clock is set back by more than the restart took.
type idSource struct {
	node string // 4 characters, so that two processes do not make the same id

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
	return fmt.Sprintf("%011x%05x%s", s.last, s.seq, s.node)
}
