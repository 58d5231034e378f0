package wire

// Encode gives the messages of a packet, to be sent back to back. For JSON the first is text and each binary
// value follows as one binary message; for Msgpack there is a single binary message.
func Encode(p *Outgoing, f Format, protocol int) ([]Part, error) { return nil, errTODO }
