package engineio

import (
	"context"
	"net/http"
	"net/url"
	"time"
)

type Handler interface{ Open(s *Session) Receiver }
type Receiver interface {
	Receive(data []byte, binary bool) error
	Closed(c *CloseError)
}
type SendFlag uint8

const (
	Volatile SendFlag = 1 << iota
	NoCompress
)

type Request struct {
	Method     string
	URL        *url.URL
	Header     http.Header
	Host       string
	RemoteAddr string
	TLS        bool
	Received   time.Time
}
type Part struct {
	Data   []byte
	Binary bool
}
type Message struct{}

func NewMessage(parts ...Part) *Message { panic("skeleton") }
func (m *Message) Size() int            { panic("skeleton") }

type Session struct{}

func (s *Session) ID() string                                   { panic("skeleton") }
func (s *Session) Protocol() int                                { panic("skeleton") }
func (s *Session) Transport() string                            { panic("skeleton") }
func (s *Session) Request() *Request                            { panic("skeleton") }
func (s *Session) Send(m *Message, f SendFlag) error            { panic("skeleton") }
func (s *Session) SendPaged(next func() *Message) error         { panic("skeleton") }
func (s *Session) Close(reason Reason, detail Detail, err error) { panic("skeleton") }
func (s *Session) Done() <-chan struct{}                        { panic("skeleton") }
func (s *Session) Err() *CloseError                             { panic("skeleton") }

type Server struct{}

func NewServer(h Handler, o *Options) (*Server, error)             { panic("skeleton") }
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { panic("skeleton") }
func (s *Server) Close(ctx context.Context) error                  { panic("skeleton") }
func (s *Server) Len() int                                         { panic("skeleton") }
