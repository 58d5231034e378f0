package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"
)

// step is a packet to send, and how the answer begins.
type step struct{ say, answer string }

// dial opens a WebSocket for Engine.IO and takes the steps, one after the other.
func dial(ctx context.Context, url string, steps ...step) (io.ReadWriteCloser, error) {
	raw, br, _, err := ws.Dial(ctx, strings.Replace(url, "http", "ws", 1))
	if err != nil {
		return nil, err
	}
	conn := io.ReadWriteCloser(raw)
	if br != nil {
		conn = struct {
			io.Reader
			io.WriteCloser
		}{io.MultiReader(io.LimitReader(br, int64(br.Buffered())), raw), raw}
	}
	for _, next := range append([]step{{"", "0{"}}, steps...) {
		if next.say != "" {
			err = wsutil.WriteClientText(conn, []byte(next.say))
		}
		for heard := false; err == nil && !heard; {
			var said []byte
			if said, err = wsutil.ReadServerText(conn); err != nil {
				break
			}
			heard = bytes.HasPrefix(said, []byte(next.answer))
			if !heard && !bytes.HasPrefix(said, []byte("42")) { // an event may come in between
				err = fmt.Errorf("answered %.200q to %q", said, next.say)
			}
		}
		if err != nil {
			return nil, errors.Join(err, raw.Close())
		}
	}
	return conn, nil
}
