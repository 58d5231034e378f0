package wire

// Limits a Decoder and Encode use where nothing else is asked for.
const (
	DefaultMaxAttachments = 10   // socket.io-parser, maxAttachments
	DefaultMaxDepth       = 256  // nested arrays and objects
	DefaultMaxEventName   = 1024 // bytes
	DefaultMaxNamespace   = 1024 // bytes, without the query of protocol 4
)

// Options of a Decoder. Zero values mean the defaults named.
type Options struct {
	Format         Format // JSON
	Protocol       int    // 4 or 5; 5
	MaxAttachments int    // DefaultMaxAttachments; counts the binary values of a MessagePack packet too
	MaxDepth       int    // DefaultMaxDepth
	MaxEventName   int    // DefaultMaxEventName, in bytes
	MaxNamespace   int    // DefaultMaxNamespace, in bytes
}

// Decoder turns the messages of one connection into packets. It belongs to the goroutine that reads that
// connection. After an error it must not be used further: the connection is to be closed.
type Decoder struct{ o Options }

// NewDecoder returns a Decoder for one connection.
func NewDecoder(o Options) *Decoder { return &Decoder{o: o} }

// Text takes a text message, data being valid only during the call. It gives nil, nil while the attachments of
// the packet are awaited, and an *Error for malformed input.
func (d *Decoder) Text(data []byte) (*Packet, error) { return nil, errTODO }

// Binary takes a binary message: an attachment, or a whole MessagePack packet.
func (d *Decoder) Binary(data []byte) (*Packet, error) { return nil, errTODO }

// Pending says whether attachments are awaited.
func (d *Decoder) Pending() bool { return false }

// Format is the connection's format; for Auto it stays Auto until the first message.
func (d *Decoder) Format() Format { return d.o.Format }
