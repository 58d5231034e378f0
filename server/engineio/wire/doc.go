// Package wire is the pure codec of Engine.IO: packets, the two payload forms
// of long-polling (protocol 4 and protocol 3), and the WebSocket frame header.
//
// It is the first step of the road: bytes in, packet values out, and back. It
// does no I/O, keeps no state, starts no goroutine; every function may be
// called from anywhere at once. Malformed input becomes one *Error. It refuses
// to know what a packet is for: sessions decide that.
//
// Protocol 4 (https://github.com/socketio/engine.io-protocol):
//
//	packet   "4hello"              a type digit, then the data
//	binary   bytes as they are     in a WebSocket binary frame
//	         "bAQIDBA=="           in a polling payload: "b", then base64
//	payload  "4hello\x1e4world"    packets separated by 0x1E
//
// Protocol 3:
//
//	packet   "4hello"
//	binary   0x04, then the bytes  in a WebSocket binary frame
//	         "b4AQIDBA=="          in text: "b", the type digit, base64
//	payload  "6:4hello2:4x"        length in UTF-16 code units, colon, packet
//	         00 06 ff "4hello" 01 05 ff 04 01 02 03 04
//	                               0 text or 1 binary, the byte length in
//	                               decimal digits of one byte each, 0xFF, packet
package wire
