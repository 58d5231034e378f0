package wire

import (
	"bytes"
	"encoding/base64"
	"strconv"
	"unicode/utf8"
)

// maxLengthDigits bounds the decimal length before a packet; payloads are far
// smaller than 10^10 bytes.
const maxLengthDigits = 10

// DecodePayload3 decodes a protocol 3 text payload, "6:4hello2:4x", as
// DecodePayload does. The lengths count UTF-16 code units, so the body must be
// valid UTF-8.
func DecodePayload3(body []byte, yield func(Packet) error) error {
	if len(body) == 0 {
		return &Error{What: "empty payload"}
	}
	for at := 0; at < len(body); {
		colon := bytes.IndexByte(body[at:min(len(body), at+maxLengthDigits+1)], ':')
		if colon < 1 {
			return &Error{What: "no packet length", Offset: at}
		}
		n, err := strconv.ParseUint(string(body[at:at+colon]), 10, 31)
		if err != nil {
			return &Error{What: "bad packet length", Offset: at}
		}
		start := at + colon + 1
		size := utf16Prefix(body[start:], int(n))
		if size < 0 {
			return &Error{What: "packet shorter than its length", Offset: start}
		}
		at = start + size
		if size == 0 {
			continue
		}
		p, err := DecodeText(body[start:at], 3)
		if err != nil {
			return shift(err, start)
		}
		if err := yield(p); err != nil {
			return err
		}
	}
	return nil
}

// DecodeBinaryPayload3 decodes a protocol 3 binary payload, as DecodePayload
// does. Text in it must be UTF-8.
func DecodeBinaryPayload3(body []byte, yield func(Packet) error) error {
	if len(body) == 0 {
		return &Error{What: "empty payload"}
	}
	for at := 0; at < len(body); {
		kind := body[at]
		if kind > 1 {
			return &Error{What: "packet is neither text nor binary", Offset: at}
		}
		end := bytes.IndexByte(body[at:min(len(body), at+maxLengthDigits+2)], 0xFF)
		if end < 2 {
			return &Error{What: "no packet length", Offset: at}
		}
		n := int64(0)
		for _, d := range body[at+1 : at+end] {
			if d > 9 {
				return &Error{What: "bad packet length", Offset: at}
			}
			n = n*10 + int64(d)
		}
		start := at + end + 1
		if n > int64(len(body)-start) {
			return &Error{What: "packet shorter than its length", Offset: start}
		}
		at = start + int(n)
		one := body[start:at]
		p, err := decodeBinaryEntry3(kind, one)
		if err != nil {
			return shift(err, start)
		}
		if err := yield(p); err != nil {
			return err
		}
	}
	return nil
}

func decodeBinaryEntry3(kind byte, one []byte) (Packet, error) {
	if kind == 1 {
		return DecodeBinary(one, 3)
	}
	if !utf8.Valid(one) {
		return Packet{}, &Error{What: "text is not UTF-8"}
	}
	return DecodeText(one, 3)
}

// AppendPayload3 appends one packet to a protocol 3 text payload. Binary goes
// as base64.
func AppendPayload3(dst []byte, p Packet) []byte {
	if p.Binary {
		dst = strconv.AppendInt(dst, int64(len("b4")+base64.StdEncoding.EncodedLen(len(p.Data))), 10)
		return appendBase64(append(dst, ':'), p, 3)
	}
	dst = strconv.AppendInt(dst, int64(1+utf16Len(p.Data)), 10)
	return AppendText(append(dst, ':'), p)
}

// AppendBinaryPayload3 appends one packet to a protocol 3 binary payload.
func AppendBinaryPayload3(dst []byte, p Packet) []byte {
	kind, first := byte(0), '0'+byte(p.Type)
	if p.Binary {
		kind, first = 1, byte(p.Type)
	}
	dst = append(dst, kind)
	digits := strconv.Itoa(1 + len(p.Data))
	for i := range len(digits) {
		dst = append(dst, digits[i]-'0')
	}
	return append(append(dst, 0xFF, first), p.Data...)
}
