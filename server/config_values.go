package server

import (
	"encoding"
	"fmt"
	"strings"
	"time"

	"github.com/alecthomas/kong"

	"github.com/sockeye-io/sockeye/server/size"
)

// Size is a number of bytes, written as 1000, 64kB, 1MB (decimal) or 64KiB, 1MiB (binary).
type Size = size.Size

// OrDuration is a duration, or one word in its place: the option's `word` tag,
// auto or off. A zero duration is the word.
type OrDuration struct {
	Word     string
	Duration time.Duration
}

var (
	_ encoding.TextUnmarshaler = (*OrDuration)(nil)
	_ encoding.TextMarshaler   = OrDuration{}
)

// UnmarshalText reads auto, off, 0 or a duration such as 90s.
func (d *OrDuration) UnmarshalText(text []byte) error {
	str := string(text)
	if str == "auto" || str == "off" {
		*d = OrDuration{Word: str}
		return nil
	}
	v, err := time.ParseDuration(str)
	if err != nil || v <= 0 {
		return fmt.Errorf("%q is neither a word of this option nor a duration above zero, such as 90s or 2m", str)
	}
	*d = OrDuration{Duration: v}
	return nil
}

// MarshalText writes what UnmarshalText reads.
func (d OrDuration) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// String is the word, or the duration.
func (d OrDuration) String() string {
	if d.Duration > 0 {
		return shortDuration(d.Duration)
	}
	return d.Word
}

// Switch is on, off, or left to the program.
type Switch uint8

// The positions of a Switch.
const (
	SwitchAuto Switch = iota
	SwitchOn
	SwitchOff
)

var (
	_ encoding.TextUnmarshaler = (*Switch)(nil)
	_ encoding.TextMarshaler   = SwitchAuto
	_ kong.BoolMapperValue     = (*Switch)(nil)
)

// IsBool lets the flag stand without a value.
func (s *Switch) IsBool() bool { return true }

// Decode reads the flag: alone it means on.
func (s *Switch) Decode(ctx *kong.DecodeContext) error {
	if ctx.Scan.Peek().Type != kong.FlagValueToken {
		*s = SwitchOn
		return nil
	}
	return s.UnmarshalText(fmt.Append(nil, ctx.Scan.Pop().Value))
}

// UnmarshalText reads auto, on or off, and the usual words for the last two.
func (s *Switch) UnmarshalText(text []byte) error {
	switch strings.ToLower(string(text)) {
	case "auto":
		*s = SwitchAuto
	case "on", "true", "yes", "1":
		*s = SwitchOn
	case "off", "false", "no", "0":
		*s = SwitchOff
	default:
		return fmt.Errorf("%q is none of auto, on and off", text)
	}
	return nil
}

// MarshalText writes what UnmarshalText reads.
func (s Switch) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// String is auto, on or off.
func (s Switch) String() string {
	switch s {
	case SwitchOn:
		return "on"
	case SwitchOff:
		return "off"
	case SwitchAuto:
	}
	return "auto"
}

// shortDuration writes 2m rather than 2m0s.
func shortDuration(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}
