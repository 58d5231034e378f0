package carry

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"

	"github.com/sockeye-io/sockeye/server/engineio"
)

// socket is a client's WebSocket.
type socket struct {
	t    testing.TB
	conn net.Conn
	r    io.Reader
}

// dialSocket opens a WebSocket of a session, at node i.
func (s *session) dialSocket(i int) (*socket, error) {
	ctx, cancel := context.WithTimeout(context.Background(), within)
	defer cancel()
	d := ws.Dialer{TLSConfig: &tls.Config{InsecureSkipVerify: true}}
	conn, br, _, err := d.Dial(ctx, strings.Replace(s.nodes[i].url, "http", "ws", 1)+"?EIO=4&transport=websocket&sid="+s.sid)
	if err != nil {
		return nil, err
	}
	s.t.Cleanup(func() { conn.Close() })
	k := &socket{t: s.t, conn: conn, r: conn}
	if br != nil {
		k.r = br
	}
	return k, conn.SetDeadline(time.Now().Add(within))
}

// upgrade moves a session to a WebSocket at node i, while its poll waits at node j.
func (s *session) upgrade(i, j int) *socket {
	s.t.Helper()
	poll := later(func() answered { return s.get(s.at(j)) })
	k, err := s.dialSocket(i)
	if err != nil {
		s.t.Fatal(err)
	}
	k.send("2probe")
	k.expect("3probe")
	await(s.t, "the poll", poll).want(s.t, http.StatusOK, "6")
	k.send("5")
	return k
}

func (k *socket) send(text string) {
	k.t.Helper()
	if err := wsutil.WriteClientText(k.conn, []byte(text)); err != nil {
		k.t.Fatal(err)
	}
}

func (k *socket) read() (string, ws.OpCode, error) {
	data, op, err := wsutil.ReadServerData(struct {
		io.Reader
		io.Writer
	}{k.r, io.Discard})
	return string(data), op, err
}

func (k *socket) expect(text string) {
	k.t.Helper()
	got, _, err := k.read()
	if err != nil || got != text {
		k.t.Fatalf("got %.100q %v, want %.100q", got, err, text)
	}
}

func TestASessionUpgradesThroughAnyNode(t *testing.T) {
	t.Parallel()
	c := start(t, 3, setup{})
	s := c.open(0)
	k := s.upgrade(1, 2)
	for i := range 200 {
		k.send(fmt.Sprintf("4message %d", i))
	}
	for i := range 200 {
		k.expect(fmt.Sprintf("4message %d", i))
	}
	big := bytes.Repeat([]byte("sockeye!"), 100_000)
	if err := wsutil.WriteClientBinary(k.conn, big); err != nil {
		t.Fatal(err)
	}
	if got, op, err := k.read(); err != nil || op != ws.OpBinary || got != string(big) {
		t.Errorf("%d bytes of opcode %d came back, %v", len(got), op, err)
	}
	if c.nodes[1].of("sent open") != 1 || c.nodes[0].of("received open") != 1 || c.nodes[1].of("sent websocket") != 1 || c.nodes[0].of("received websocket") != 1 {
		t.Errorf("counted: %v, %v", c.nodes[1].all, c.nodes[0].all)
	}
	k.conn.Close()
	c.nodes[0].ended(engineio.ReasonTransportClose, engineio.DetailConnectionLost)
}

func TestTheEndOfACarriedWebSocketReachesTheOtherSide(t *testing.T) {
	t.Parallel()
	c := start(t, 2, setup{})
	t.Run("the owner closes", func(t *testing.T) {
		k := c.open(0).upgrade(1, 1)
		k.send("4x")
		k.expect("4x")
		c.nodes[0].session().Close(engineio.ReasonForcedServer, "", nil)
		var closed wsutil.ClosedError
		if got, _, err := k.read(); !errors.As(err, &closed) || closed.Code != ws.StatusNormalClosure {
			t.Errorf("read %q, %v", got, err)
		}
		if _, err := k.r.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
			t.Errorf("after the close frame: %v", err)
		}
		c.nodes[0].ended(engineio.ReasonForcedServer, "")
	})
	t.Run("the client says goodbye", func(t *testing.T) {
		k := c.open(0).upgrade(1, 1)
		k.send("4x")
		k.expect("4x")
		if err := ws.WriteFrame(k.conn, ws.MaskFrame(ws.NewCloseFrame(ws.NewCloseFrameBody(ws.StatusNormalClosure, "")))); err != nil {
			t.Fatal(err)
		}
		c.nodes[0].ended(engineio.ReasonTransportClose, engineio.DetailCloseFrame)
		if _, _, err := k.read(); err == nil {
			t.Error("the connection is open")
		}
	})
	t.Run("the client is cut off", func(t *testing.T) {
		k := c.open(0).upgrade(1, 1)
		k.send("4x")
		k.expect("4x")
		tcp, ok := k.conn.(*net.TCPConn)
		if !ok {
			t.Fatal("no TCP connection")
		}
		if err := tcp.SetLinger(0); err != nil { // a reset
			t.Fatal(err)
		}
		tcp.Close()
		c.nodes[0].ended(engineio.ReasonTransportClose, engineio.DetailConnectionLost)
	})
}

// The owner refuses an upgrade as if it had been asked by the client.
func TestARefusedUpgradeIsAnsweredLikeTheOwnersOwn(t *testing.T) {
	t.Parallel()
	c := start(t, 2, setup{engine: func(o *engineio.Options) { o.Origins = onlyOrigin("http://good.example") }})
	s := c.open(0)
	for i := range 2 {
		conn := c.nodes[i].dialRaw()
		say(t, conn, "GET /socket.io/?EIO=4&transport=websocket&sid=%s HTTP/1.1\r\nHost: x\r\nOrigin: http://bad.example\r\n"+
			"Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: DXR4dX615eRds8nRmlhqtw==\r\n\r\n", s.sid)
		all, err := io.ReadAll(conn)
		if err != nil || !bytes.HasPrefix(all, []byte("HTTP/1.1 400 ")) || !bytes.HasSuffix(all, []byte(`{"code":4,"message":"not this origin"}`)) ||
			!bytes.Contains(all, []byte("Access-Control-Allow-Origin: http://bad.example\r\n")) || bytes.Contains(all, []byte(headerNode)) {
			t.Errorf("node %d: %q %v", i, all, err)
		}
	}
}

// A client may send frames right behind its request, without waiting for the answer.
func TestBytesBehindTheUpgradeAreCarriedToo(t *testing.T) {
	t.Parallel()
	c := start(t, 2, setup{})
	s := c.open(0)
	conn := c.nodes[1].dialRaw()
	var b bytes.Buffer
	say(t, &b, "GET /socket.io/?EIO=4&transport=websocket&sid=%s HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: WebSocket\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: DXR4dX615eRds8nRmlhqtw==\r\n\r\n", s.sid)
	if err := wsutil.WriteClientText(&b, []byte("2probe")); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Write(b.Bytes()); err != nil {
		t.Fatal(err)
	}
	var got []byte
	for !bytes.HasSuffix(got, []byte("\x81\x063probe")) {
		piece := make([]byte, 1000)
		n, err := conn.Read(piece)
		if err != nil {
			t.Fatalf("%v after %q", err, got)
		}
		got = append(got, piece[:n]...)
	}
}
