package server

import (
	"encoding"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/alecthomas/kong"
)

// Size is a number of bytes, written as 1000, 64kB, 1MB (decimal) or 64KiB,
// 1MiB (binary).
type Size int64

var (
	_ encoding.TextUnmarshaler = (*Size)(nil)
	_ encoding.TextMarshaler   = Size(0)
)

// sizeUnits goes from large to small, binary before decimal, so that the first
// unit that divides a value is its shortest spelling.
var sizeUnits = []struct {
	name  string
	bytes Size
}{
	{"GiB", 1 << 30},
	{"GB", 1e9},
	{"MiB", 1 << 20},
	{"MB", 1e6},
	{"KiB", 1 << 10},
	{"kB", 1e3},
	{"B", 1},
}

// UnmarshalText reads a size; letters in any case, one optional space.
func (s *Size) UnmarshalText(text []byte) error {
	str := string(text)
	number := strings.TrimRight(str, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ ")
	unit := strings.TrimSpace(str[len(number):])
	factor := Size(0)
	for _, u := range sizeUnits {
		if strings.EqualFold(unit, u.name) || unit == "" && u.name == "B" {
			factor = u.bytes
		}
	}
	n, err := strconv.ParseFloat(number, 64)
	if err != nil || factor == 0 || n < 0 || n*float64(factor) > math.MaxInt64/2 {
		return fmt.Errorf("%q is no size: write a number and a unit, such as 64kB, 1MB or 16MiB", str)
	}
	*s = Size(math.Round(n * float64(factor)))
	return nil
}

// MarshalText writes the shortest exact spelling.
func (s Size) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// String is the shortest exact spelling, such as 16MiB.
func (s Size) String() string {
	for _, u := range sizeUnits {
		if s >= u.bytes && s%u.bytes == 0 {
			return strconv.FormatInt(int64(s/u.bytes), 10) + u.name
		}
	}
	return strconv.FormatInt(int64(s), 10) + "B"
}

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
