package server

import (
	"encoding"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/sockeye-io/sockeye/server/clientip"
	"github.com/sockeye-io/sockeye/server/limit"
)

// off is how a limit is switched off; 0 is the same.
const off = "off"

// Most is a limit on a number, or off.
type Most int

var (
	_ encoding.TextUnmarshaler = (*Most)(nil)
	_ encoding.TextMarshaler   = Most(0)
)

// UnmarshalText reads a whole number, or off.
func (m *Most) UnmarshalText(text []byte) error {
	if string(text) == off {
		*m = 0
		return nil
	}
	n, err := strconv.ParseInt(string(text), 10, 32)
	if err != nil || n < 0 {
		return fmt.Errorf("%q is no limit: write a whole number from 1 to %d, or off", text, math.MaxInt32)
	}
	*m = Most(n)
	return nil
}

// MarshalText writes what UnmarshalText reads.
func (m Most) MarshalText() ([]byte, error) { return []byte(m.String()), nil }

// String is the number, or off.
func (m Most) String() string {
	if m <= 0 {
		return off
	}
	return strconv.Itoa(int(m))
}

// orEndless is the number, or one that is never reached.
func (m Most) orEndless() int {
	if m <= 0 {
		return math.MaxInt32
	}
	return int(m)
}

// MostBytes is a limit on a size, or off.
type MostBytes Size

var (
	_ encoding.TextUnmarshaler = (*MostBytes)(nil)
	_ encoding.TextMarshaler   = MostBytes(0)
)

// UnmarshalText reads a size, or off.
func (m *MostBytes) UnmarshalText(text []byte) error {
	if string(text) == off {
		*m = 0
		return nil
	}
	return (*Size)(m).UnmarshalText(text)
}

// MarshalText writes what UnmarshalText reads.
func (m MostBytes) MarshalText() ([]byte, error) {
	if m <= 0 {
		return []byte(off), nil
	}
	return Size(m).MarshalText()
}

// Rate is a limit on events: so many a second, minute or hour, and so many at once after
// a pause; or off. Without a burst it is ten seconds' worth.
type Rate limit.Rate

// ByteRate is a Rate of bytes.
type ByteRate limit.Rate

var (
	_ encoding.TextUnmarshaler = (*Rate)(nil)
	_ encoding.TextMarshaler   = Rate{}
	_ encoding.TextUnmarshaler = (*ByteRate)(nil)
	_ encoding.TextMarshaler   = ByteRate{}
)

// UnmarshalText reads a rate, such as "200/s burst 2000", 30/m or off.
func (r *Rate) UnmarshalText(text []byte) error {
	v, err := parseRate(string(text), func(s string) (float64, error) { return strconv.ParseFloat(s, 64) })
	if err != nil {
		return fmt.Errorf("%q is no rate: write such as \"200/s burst 2000\", 30/m or off", text)
	}
	*r = Rate(v)
	return nil
}

// MarshalText writes what UnmarshalText reads.
func (r Rate) MarshalText() ([]byte, error) {
	return []byte(writeRate(limit.Rate(r), func(n float64) string { return strconv.FormatFloat(n, 'f', -1, 64) })), nil
}

// UnmarshalText reads a rate of bytes, such as "1MiB/s burst 4MiB", 64kB/s or off.
func (r *ByteRate) UnmarshalText(text []byte) error {
	v, err := parseRate(string(text), func(s string) (float64, error) {
		var size Size
		err := size.UnmarshalText([]byte(s))
		return float64(size), err
	})
	if err != nil {
		return fmt.Errorf("%q is no rate: write such as \"1MiB/s burst 4MiB\", 64kB/s or off", text)
	}
	*r = ByteRate(v)
	return nil
}

// MarshalText writes what UnmarshalText reads.
func (r ByteRate) MarshalText() ([]byte, error) {
	return []byte(writeRate(limit.Rate(r), func(n float64) string { return Size(math.Round(n)).String() })), nil
}

// periods are the seconds in what a rate may be written for.
var periods = []struct {
	suffix  string
	seconds float64
}{{"/s", 1}, {"/m", 60}, {"/h", 3600}}

// defaultBurst is how many seconds' worth a burst is that is not written.
const defaultBurst = 10

var errRate = errors.New("no rate")

func parseRate(text string, number func(string) (float64, error)) (limit.Rate, error) {
	if text == off || text == "0" {
		return limit.Rate{}, nil
	}
	perText, burstText, given := strings.Cut(text, " burst ")
	for _, p := range periods {
		amount, ok := strings.CutSuffix(strings.TrimSpace(perText), p.suffix)
		if !ok {
			continue
		}
		n, err := number(amount)
		if err != nil || !(n > 0) || n > math.MaxInt32 {
			return limit.Rate{}, errRate
		}
		r := limit.Rate{PerSecond: n / p.seconds}
		burst := math.Ceil(r.PerSecond * defaultBurst)
		if given {
			if burst, err = number(strings.TrimSpace(burstText)); err != nil || !(burst >= 1) {
				return limit.Rate{}, errRate
			}
		}
		r.Burst = int(min(burst, math.MaxInt32))
		return r, nil
	}
	return limit.Rate{}, errRate
}

// writeRate writes a rate for the shortest period in which it is a whole number.
func writeRate(r limit.Rate, number func(float64) string) string {
	if r.Off() {
		return off
	}
	const exact = 1e-6
	for i, p := range periods {
		n := r.PerSecond * p.seconds
		if math.Abs(n-math.Round(n)) < exact*n || i == len(periods)-1 {
			return number(math.Round(n/exact)*exact) + p.suffix + " burst " + number(float64(r.Burst))
		}
	}
	return off
}

// The values of --proxy-header and --proxy-protocol.
const (
	headerForwardedFor = "x-forwarded-for"
	headerForwarded    = "forwarded"
	protocolRequired   = "required"
	protocolOptional   = "optional"
)

// validateLimits checks the options of limits and proxies.
func (c *Config) validateLimits(fail func(option, format string, args ...any)) {
	if _, err := clientip.Parse(c.TrustedProxies); err != nil {
		fail("trusted-proxies", "%w", err)
	}
	if _, err := clientip.Parse(c.LimitsExcept); err != nil {
		fail("limits-except", "%w", err)
	}
	if (c.ProxyProtocol == protocolRequired || c.ProxyProtocol == protocolOptional) && len(c.TrustedProxies) == 0 {
		fail("proxy-protocol", "%s needs --trusted-proxies: nobody else is believed", c.ProxyProtocol)
	}
	if c.ByteRate.Burst > 0 && Size(c.ByteRate.Burst) < c.MaxPayload {
		fail("byte-rate", "a burst of %v is below --max-payload, %v: a message that may be sent would always be too much; raise the one or lower the other",
			Size(c.ByteRate.Burst), c.MaxPayload)
	}
	if c.OutboxTotal > 0 && Size(c.OutboxTotal) < c.OutboxMax {
		fail("outbox-total", "%v is below --outbox-max, %v: raise the one or lower the other", Size(c.OutboxTotal), c.OutboxMax)
	}
}
