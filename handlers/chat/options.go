package chat

import (
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/sockeye-io/sockeye/server/auth"
)

// Options bounds the chat. Zero means the default of a field.
type Options struct {
	// History is how many messages of a room are kept and given to who joins; 50.
	History int `yaml:"history,omitempty"`
	// HistoryBytes bounds the kept messages of all rooms together; 16 MiB. Above it
	// the rooms that were written in longest ago lose their oldest messages.
	HistoryBytes int64 `yaml:"history-bytes,omitempty"`
	// MaxRooms is how many rooms are kept, empty ones with history included; 1000.
	MaxRooms int `yaml:"max-rooms,omitempty"`
	// RoomsPerTab is how many rooms one connection may be in; 20.
	RoomsPerTab int `yaml:"rooms-per-tab,omitempty"`
	// MaxListed is how many users a room may have and still list them, with notices of
	// who comes and goes; 500. Of a larger one only the number is told.
	MaxListed int `yaml:"max-listed,omitempty"`
	// IdleRoom is how long an empty room is kept with its history; 1 h.
	IdleRoom time.Duration `yaml:"idle-room,omitempty"`
	// LeaveGrace is how long a user whose connection was lost is still here, so that a
	// reload or a tunnel makes no noise; 5 s.
	LeaveGrace time.Duration `yaml:"leave-grace,omitempty"`
	// Recovery is how long a connection may be lost and still be recovered without
	// asking for history; 2 min.
	Recovery time.Duration `yaml:"recovery,omitempty"`
	// RecoveryBytes bounds the packets kept for recovery; 16 MiB.
	RecoveryBytes int64 `yaml:"recovery-bytes,omitempty"`
	// MaxText, MaxNick and MaxRoomName are lengths in characters (Unicode code
	// points); 2000, 32 and 64.
	MaxText     int `yaml:"max-text,omitempty"`
	MaxNick     int `yaml:"max-nick,omitempty"`
	MaxRoomName int `yaml:"max-room-name,omitempty"`

	// Access decides about joining, reading and writing in rooms; nil lets everybody do
	// all of it.
	Access auth.Access `yaml:"-"`
	// Logger logs what an operator should know; nil logs nothing.
	Logger *slog.Logger `yaml:"-"`
}

// Validate reports each field that cannot be, naming its key.
func (o Options) Validate() error {
	var errs []error
	for key, n := range map[string]int64{
		"history": int64(o.History), "history-bytes": o.HistoryBytes, "max-rooms": int64(o.MaxRooms),
		"rooms-per-tab": int64(o.RoomsPerTab), "max-listed": int64(o.MaxListed), "idle-room": int64(o.IdleRoom), "leave-grace": int64(o.LeaveGrace),
		"recovery": int64(o.Recovery), "recovery-bytes": o.RecoveryBytes,
		"max-text": int64(o.MaxText), "max-nick": int64(o.MaxNick), "max-room-name": int64(o.MaxRoomName),
	} {
		if n < 0 {
			errs = append(errs, fmt.Errorf("chat.%s: below zero", key))
		}
	}
	return errors.Join(errs...)
}

func (o Options) withDefaults() Options {
	o.History = or(o.History, 50)
	o.HistoryBytes = or(o.HistoryBytes, 16<<20)
	o.MaxRooms = or(o.MaxRooms, 1000)
	o.RoomsPerTab = or(o.RoomsPerTab, 20)
	o.MaxListed = or(o.MaxListed, 500)
	o.IdleRoom = or(o.IdleRoom, time.Hour)
	o.LeaveGrace = or(o.LeaveGrace, 5*time.Second)
	o.Recovery = or(o.Recovery, 2*time.Minute)
	o.RecoveryBytes = or(o.RecoveryBytes, 16<<20)
	o.MaxText = or(o.MaxText, 2000)
	o.MaxNick = or(o.MaxNick, 32)
	o.MaxRoomName = or(o.MaxRoomName, 64)
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return o
}

func or[T int | int64 | time.Duration](value, fallback T) T {
	if value == 0 {
		return fallback
	}
	return value
}
