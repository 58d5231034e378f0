package relay

import (
	"context"
	"log/slog"
	"sync"

	"github.com/sockeye-io/sockeye/server/socketio"
)

// Bounds on what clients can make the server remember and log. A frontend has tens of
// event names; a thousand is somebody trying.
const (
	maxSeenNames  = 1000
	maxLoggedName = 80 // bytes
)

// seen remembers which unknown event names were logged.
type seen struct {
	logger *slog.Logger

	mu    sync.Mutex
	names map[string]struct{} // by namespace and event
}

func newSeen(logger *slog.Logger) *seen {
	if logger == nil {
		logger = slog.New(slog.DiscardHandler)
	}
	return &seen{logger: logger, names: make(map[string]struct{})}
}

// note logs an unknown event once per namespace and name, and says when it stops.
func (s *seen) note(ctx context.Context, e *socketio.Event) {
	namespace, event := clip(e.Socket().Namespace().Name()), clip(e.Name())
	number, fresh := s.add(namespace + "\x00" + event)
	if !fresh {
		return
	}
	s.logger.LogAttrs(ctx, slog.LevelInfo, "unknown event; nothing takes it",
		slog.String("namespace", namespace), slog.String("event", event), slog.Bool("ack", e.HasAck()))
	if number == maxSeenNames {
		s.logger.WarnContext(ctx, "no further unknown event names are logged", slog.Int("names", maxSeenNames))
	}
}

// add returns the number of names, and whether this one is new and within the bound.
func (s *seen) add(name string) (int, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, known := s.names[name]; known || len(s.names) >= maxSeenNames {
		return len(s.names), false
	}
	s.names[name] = struct{}{}
	return len(s.names), true
}

func clip(s string) string {
	if len(s) > maxLoggedName {
		return s[:maxLoggedName] + "…"
	}
	return s
}
