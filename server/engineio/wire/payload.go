package wire

import "bytes"

// Separator stands between the packets of a protocol 4 payload.
const Separator = 0x1E

// DecodePayload decodes a protocol 4 polling payload and calls yield for each
// packet in order. It stops at the first error, its own or yield's; packets
// before it have been yielded.
func DecodePayload(body []byte, yield func(Packet) error) error {
	at := 0
	for {
		one, rest, more := bytes.Cut(body[at:], []byte{Separator})
		p, err := DecodeText(one, 4)
		if err != nil {
			return shift(err, at)
		}
		if err := yield(p); err != nil {
			return err
		}
		if !more {
			return nil
		}
		at = len(body) - len(rest)
	}
}

// AppendPayload appends one packet to a protocol 4 payload; dst holds what
// came before, starting at its first byte.
func AppendPayload(dst []byte, p Packet) []byte {
	if len(dst) > 0 {
		dst = append(dst, Separator)
	}
	if p.Binary {
		return appendBase64(dst, p, 4)
	}
	return AppendText(dst, p)
}

// shift moves the offset of a decoding error to the payload's own count.
func shift(err error, by int) error {
	e, ok := err.(*Error) //nolint:errorlint // it was made a few lines above, unwrapped
	if !ok {
		return err
	}
	return &Error{What: e.What, Offset: e.Offset + by}
}
