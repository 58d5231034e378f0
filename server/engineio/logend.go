package engineio

import (
	"log/slog"
	"time"
)

// logEnd logs one line about a session that has ended: what an operator needs to tell
// why, and nothing that would let the reader of a log act as the client. The query and
// the headers of the handshake hold its secrets, so they are left out, as is the sid.
func (s *Session) logEnd(why *CloseError) {
	say := s.srv.opts.Logger.Info
	switch {
	case why.notable():
		say = s.srv.opts.Logger.Warn
	case !s.srv.opts.LogSessions:
		return
	}
	s.mu.Lock()
	transport, in, out := s.transportLocked(), s.came, s.out.sent
	s.mu.Unlock()
	lived := time.Since(time.Unix(0, s.origin.received)).Round(time.Millisecond)
	say("client disconnected",
		slog.String("reason", string(why.Reason)), slog.String("detail", string(why.Detail)),
		slog.String("transport", transport), slog.Int("protocol", s.protocol), slog.Duration("after", lived),
		slog.Uint64("messages_in", in.messages), slog.Uint64("bytes_in", in.bytes),
		slog.Uint64("messages_out", out.messages), slog.Uint64("bytes_out", out.bytes),
		slog.String("remote", s.origin.addr))
}
