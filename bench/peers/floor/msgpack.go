package main

import (
	"encoding/binary"

	"github.com/gobwas/ws"
)

// packed is MessagePack that is cut into values, not decoded. What is too short ends early.
type packed []byte

// value takes the next value, with all that is in it.
func (p *packed) value() []byte {
	all := *p
	for left := 1; left > 0 && len(*p) > 0; left-- {
		left += p.head()
	}
	return all[:len(all)-len(*p)]
}

// head takes the next value without the values in it, and says how many these are.
func (p *packed) head() int {
	if len(*p) == 0 {
		return 0
	}
	switch t := p.take(1)[0]; {
	case t < 0x80 || t >= 0xe0: // a small number
	case t < 0x90:
		return 2 * int(t&0x0f)
	case t < 0xa0:
		return int(t & 0x0f)
	case t < 0xc0:
		p.take(int(t & 0x1f))
	case t >= 0xc4 && t <= 0xc6: // binary
		p.take(p.number(1 << (t - 0xc4)))
	case t >= 0xc7 && t <= 0xc9: // an extension
		p.take(p.number(1<<(t-0xc7)) + 1)
	case t == 0xca || t == 0xcb: // a float
		p.take(4 << (t - 0xca))
	case t >= 0xcc && t <= 0xd3: // a number
		p.take(1 << (t & 3))
	case t >= 0xd4 && t <= 0xd8: // an extension of a fixed size
		p.take(1<<(t-0xd4) + 1)
	case t >= 0xd9 && t <= 0xdb: // a string
		p.take(p.number(1 << (t - 0xd9)))
	case t == 0xdc || t == 0xdd:
		return p.number(2 << (t - 0xdc))
	case t == 0xde || t == 0xdf:
		return 2 * p.number(2<<(t-0xde))
	}
	return 0
}

func (p *packed) take(n int) []byte {
	b := (*p)[:min(n, len(*p))]
	*p = (*p)[len(b):]
	return b
}

// number takes a length of so many bytes.
func (p *packed) number(size int) int {
	var b [8]byte
	copy(b[8-size:], p.take(size))
	return int(binary.BigEndian.Uint64(b[:]) & 0xffffffff)
}

// packed takes one Socket.IO packet: a map of type, nsp, data and id.
func (s *server) packed(c *conn, p []byte) {
	m := packed(p)
	var kind, id []byte
	var args packed
	for range m.head() / 2 {
		switch key, value := m.value(), m.value(); string(key) {
		case "\xa4type":
			kind = value
		case "\xa2id":
			id = value
		case "\xa4data":
			args = value
		}
	}
	switch string(kind) {
	case "\x00":
		c.send(pack("\x00", nil, []byte("\x81\xa3sid"), str(c.sid)))
	case "\x02":
		count := args.head() - 1
		s.handlePacked(c, string(args.value()), id, count, args)
	}
}

func (s *server) handlePacked(c *conn, name string, id []byte, count int, args packed) {
	switch name {
	case "\xa3say":
		room := args.value()
		s.broadcast(room, pack("\x02", nil, array(count), []byte("\xa3msg"), args))
	case "\xa4echo":
		if len(id) > 0 {
			c.send(pack("\x03", id, array(count), args))
		} else {
			c.send(pack("\x02", nil, array(count+1), []byte("\xa4echo"), args))
		}
		return
	case "\xa4join":
		s.join(c, string(args.value()))
	case "\xa5leave":
		s.leave(c, string(args.value()))
	default:
		return
	}
	if len(id) > 0 {
		c.send(pack("\x03", id, []byte("\x91\xa2ok")))
	}
}

// pack makes the frame of a packet, with the parts one after the other as its data.
func pack(kind string, id []byte, data ...[]byte) []byte {
	p := append([]byte("\x83\xa4type"), kind...)
	if len(id) > 0 {
		p[0]++
		p = append(append(p, "\xa2id"...), id...)
	}
	p = append(p, "\xa3nsp\xa1/\xa4data"...)
	for _, part := range data {
		p = append(p, part...)
	}
	return ws.MustCompileFrame(ws.NewBinaryFrame(p))
}

func array(n int) []byte {
	if n < 16 {
		return []byte{0x90 | byte(n)}
	}
	return binary.BigEndian.AppendUint16([]byte{0xdc}, uint16(n))
}

func str(s string) []byte { return append([]byte{0xd9, byte(len(s))}, s...) }
