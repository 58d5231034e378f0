package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"
	"golang.org/x/sys/unix"
)

// wire carries frames. read is called by one goroutine, write by any.
type wire interface {
	read() ([]frame, error)
	write(all []frame) error
	close()
}

// patience is how long anything awaited may take.
const patience = 30 * time.Second

const query = "/socket.io/?EIO=4&transport="

// socketWire is a WebSocket.
type socketWire struct {
	conn  net.Conn
	early io.Reader

	mu sync.Mutex // around writing
}

// openSocket does the handshake of a WebSocket, of a session if sid is not empty.
// buffer, if not 0, is how many bytes the system keeps for it unread.
func openSocket(ctx context.Context, base, sid string, buffer int) (*socketWire, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	address := "ws" + strings.TrimPrefix(base, "http") + query + "websocket"
	if sid != "" {
		address += "&sid=" + url.QueryEscape(sid)
	}
	d := ws.Dialer{}
	if buffer > 0 {
		nd := net.Dialer{Control: func(_, _ string, c syscall.RawConn) error {
			return c.Control(func(fd uintptr) {
				_ = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUF, buffer)
			})
		}}
		d.NetDial = nd.DialContext
	}
	conn, early, _, err := d.Dial(ctx, address)
	if err != nil {
		return nil, err
	}
	w := &socketWire{conn: conn, early: conn}
	if early != nil {
		w.early = bufio.NewReader(io.MultiReader(early, conn))
	}
	return w, nil
}

func (w *socketWire) read() ([]frame, error) {
	if err := w.conn.SetReadDeadline(time.Now().Add(patience)); err != nil {
		return nil, err
	}
	data, op, err := wsutil.ReadServerData(struct {
		io.Reader
		io.Writer
	}{w.early, w.conn})
	if err != nil {
		return nil, err
	}
	if op == ws.OpBinary {
		return []frame{{binary: data}}, nil
	}
	return []frame{{text: string(data)}}, nil
}

// write sends each frame as one message, all of them in one go.
func (w *socketWire) write(all []frame) error {
	var b bytes.Buffer
	for _, f := range all {
		op, data := ws.OpText, []byte(f.text)
		if f.binary != nil {
			op, data = ws.OpBinary, bytes.Clone(f.binary) // it is masked in place
		}
		if err := wsutil.WriteClientMessage(&b, op, data); err != nil {
			return err
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := w.conn.SetWriteDeadline(time.Now().Add(patience)); err != nil {
		return err
	}
	_, err := w.conn.Write(b.Bytes())
	return err
}

func (w *socketWire) close() { _ = w.conn.Close() }

// pollWire is a session over long-polling, on connections of its own.
type pollWire struct {
	ctx    context.Context //nolint:containedctx // the session's own
	cancel context.CancelFunc
	web    *http.Client
	base   string
	sid    string

	mu sync.Mutex // around writing: one POST at a time
}

// openPolling does the handshake of a polling session.
func openPolling(ctx context.Context, base string) (*pollWire, error) {
	ctx, cancel := context.WithCancel(ctx)
	w := &pollWire{ctx: ctx, cancel: cancel, base: base, web: &http.Client{
		Transport: &http.Transport{MaxIdleConnsPerHost: 2}, Timeout: patience,
	}}
	all, err := w.read()
	if err == nil && (len(all) == 0 || !strings.HasPrefix(all[0].text, "0{")) {
		err = fmt.Errorf("%w: handshake %v", errMalformed, all)
	}
	var open struct{ SID string }
	if err == nil {
		err = json.Unmarshal([]byte(all[0].text[1:]), &open)
	}
	if err != nil {
		w.close()
		return nil, err
	}
	w.sid = open.SID
	return w, nil
}

func (w *pollWire) address() string {
	address := w.base + query + "polling"
	if w.sid != "" {
		address += "&sid=" + url.QueryEscape(w.sid)
	}
	return address
}

func (w *pollWire) read() ([]frame, error) {
	body, err := w.do(http.MethodGet, nil)
	if err != nil {
		return nil, err
	}
	return frames(body)
}

func (w *pollWire) write(all []frame) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	_, err := w.do(http.MethodPost, payload(all))
	return err
}

func (w *pollWire) do(method string, body []byte) ([]byte, error) {
	req, err := http.NewRequestWithContext(w.ctx, method, w.address(), bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	if method == http.MethodPost {
		req.Header.Set("Content-Type", "text/plain;charset=UTF-8")
	}
	res, err := w.web.Do(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = res.Body.Close() }()
	b, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s: %.80s", method, res.Status, b)
	}
	return b, err
}

func (w *pollWire) close() {
	w.cancel()
	w.web.CloseIdleConnections()
}
