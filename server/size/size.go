package size

import (
	"encoding"
	"fmt"
	"math"
	"strconv"
	"strings"
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
