package socketio_test

import (
	"context"
	"testing"

	"github.com/vmihailenco/msgpack/v5"

	"github.com/sockeye-io/sockeye/server/engineio"
	"github.com/sockeye-io/sockeye/server/socketio"
	"github.com/sockeye-io/sockeye/server/socketio/sockettest"
)

// pack writes a packet as socket.io-msgpack-parser does.
func pack(t *testing.T, packet map[string]any) []byte {
	t.Helper()
	b, err := msgpack.Marshal(packet)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func unpack(t *testing.T, f sockettest.Frame) map[string]any {
	t.Helper()
	var m map[string]any
	if f.Binary == nil {
		t.Fatalf("got text %q, want MessagePack", f.Text)
	}
	if err := msgpack.Unmarshal(f.Binary, &m); err != nil {
		t.Fatal(err)
	}
	return m
}

func TestParserIsDecidedByTheFirstPacket(t *testing.T) {
	srv := serve(t, nil)
	srv.On("bin", func(_ context.Context, e *socketio.Event) { _ = e.Ack(e.Args().Values()...) })

	packed := sockettest.Dial(t, srv.URL)
	packed.SendBinary(pack(t, map[string]any{"type": 0, "nsp": "/"}))
	answer := unpack(t, packed.Next())
	data, ok := answer["data"].(map[string]any)
	if !ok || len(data["sid"].(string)) != 20 || answer["nsp"] != "/" {
		t.Fatalf("answer %v", answer)
	}
	plain, _ := join(t, srv)

	packed.SendBinary(pack(t, map[string]any{"type": 2, "nsp": "/", "id": 5, "data": []any{"bin", []byte{1, 2}}}))
	ack := unpack(t, packed.Next())
	args, ok := ack["data"].([]any)
	if !ok || len(args) != 1 || string(args[0].([]byte)) != "\x01\x02" {
		t.Errorf("ack %v", ack)
	}
	if err := srv.Emit("both", "x", []byte{3}); err != nil {
		t.Fatal(err)
	}
	plain.Expect(`51-["both","x",{"_placeholder":true,"num":0}]`)
	plain.ExpectBinary("\x03")
	event := unpack(t, packed.Next())
	args, ok = event["data"].([]any)
	if !ok || len(args) != 3 || args[0] != "both" || args[1] != "x" || string(args[2].([]byte)) != "\x03" {
		t.Errorf("event %v", event)
	}
}

func TestFixedParsersRefuseTheOther(t *testing.T) {
	srv := serve(t, &socketio.Options{Parser: socketio.ParserJSON})
	c := sockettest.Dial(t, srv.URL)
	c.SendBinary(pack(t, map[string]any{"type": 0, "nsp": "/"}))
	c.ExpectClose()

	srv = serve(t, &socketio.Options{Parser: socketio.ParserMsgpack})
	c = sockettest.Dial(t, srv.URL)
	c.Send("0")
	c.ExpectClose()
}

// Protocol 4 of Socket.IO on protocol 3 of Engine.IO: socket.io-client 2.x.
func protocol4(t *testing.T) *sockettest.Server {
	t.Helper()
	return serve(t, &socketio.Options{Engine: engineio.Options{AllowEIO3: true}})
}

func TestProtocol4ClientIsInTheMainNamespaceAtOnce(t *testing.T) {
	srv := protocol4(t)
	srv.OnConnection(func(s *socketio.Socket) { _ = s.Emit("hello", s.Conn().Protocol(), []byte{1}) })
	c := sockettest.Dial3(t, srv.URL)
	c.Expect("0")
	c.Expect(`51-["hello",3,{"_placeholder":true,"num":0}]`)
	c.ExpectBinary("\x01")
	c.Fence()
	c.Send("1")
	sockettest.Eventually(t, "the end", func() bool { return srv.Of("/").Len() == 0 })
}

func TestProtocol4NamespacesWithQuery(t *testing.T) {
	srv := protocol4(t)
	srv.Of("/a").OnConnection(func(s *socketio.Socket) {
		var auth map[string]string
		if err := s.Handshake().Auth.Decode(&auth); err != nil {
			t.Error(err)
		}
		_ = s.Emit("auth", auth)
	})
	srv.Of("/no").Use(func(_ context.Context, s *socketio.Socket) error {
		var auth map[string]string
		_ = s.Handshake().Auth.Decode(&auth)
		if auth["data"] != "" {
			return &socketio.ConnectError{Message: "no", Data: map[string]int{"code": 1}}
		}
		return &socketio.ConnectError{Message: "no"}
	})
	c := sockettest.Dial3(t, srv.URL)
	c.Expect("0")
	c.Send("0/a?token=1&x=%C3%A9")
	c.Expect("0/a,")
	c.Expect(`2/a,["auth",{"token":"1","x":"é"}]`)
	c.Send("0/no,")
	c.Expect(`4/no,"no"`)
	c.Send("0/no?data=1,")
	c.Expect(`4/no,{"code":1}`)
	c.Send("0/unknown")
	c.Expect(`4/unknown,{"message":"Invalid namespace"}`)
	c.Send("1/a")
	c.Fence()
}

func TestProtocol4MiddlewareOfTheMainNamespace(t *testing.T) {
	srv := protocol4(t)
	srv.Use(func(context.Context, *socketio.Socket) error { return &socketio.ConnectError{Message: "closed"} })
	c := sockettest.Dial3(t, srv.URL)
	c.Expect(`4"closed"`)
}

// Clients of protocol 4 know no offsets: theirs would be one argument too many.
func TestProtocol4ClientsGetNoOffsets(t *testing.T) {
	srv := recovering(t, func(o *socketio.Options) { o.Engine.AllowEIO3 = true })
	c := sockettest.Dial3(t, srv.URL)
	c.Expect("0")
	r := arrive(t, srv)
	_ = srv.Emit("x", 1)
	c.Expect(`2["x",1]`)
	r.event(`2["x",1]`)
	c.Fence()
}
