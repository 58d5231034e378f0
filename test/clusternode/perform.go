package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/sockeye-io/sockeye/server/socketio"
)

// perform does one operation.
func (c *control) perform(ctx context.Context, op *operation) (any, error) {
	n := c.srv.Of(op.Namespace)
	to, err := op.audience(n)
	if err != nil {
		return nil, err
	}
	switch op.Op {
	case "emit":
		return nil, op.emit(to)
	case "ask":
		got, err := to.EmitWithAck(ctx, op.Event, op.Args...)
		return firsts(got), err
	case "fetch":
		found, err := to.FetchSockets(ctx)
		return described(found), err
	case "socketsJoin":
		return nil, to.SocketsJoin(op.Rooms...)
	case "socketsLeave":
		return nil, to.SocketsLeave(op.Rooms...)
	case "disconnectSockets":
		return nil, to.DisconnectSockets(op.Close)
	case "remote":
		return op.remote(ctx, to)
	case "serverSideEmit":
		return nil, n.ServerSideEmit(op.Event, op.Args...)
	case "serverSideAsk":
		return op.serverSideAsk(ctx, n)
	case "heard":
		return c.heardIn(op.Namespace), nil
	case "states":
		return c.statesOf(op.Namespace), nil
	case "count":
		return n.ServerCount(ctx)
	case "sockets":
		ids := []string{}
		for _, s := range n.Sockets() {
			ids = append(ids, s.ID())
		}
		return ids, nil
	default:
		return nil, fmt.Errorf("unknown operation %q", op.Op)
	}
}

func (op *operation) emit(to *socketio.Broadcast) error {
	if op.Times == 0 {
		return to.Emit(op.Event, op.Args...)
	}
	for i := range op.Times {
		if err := to.Emit(op.Event, append(op.Args[:len(op.Args):len(op.Args)], i)...); err != nil {
			return err
		}
	}
	return nil
}

func (op *operation) serverSideAsk(ctx context.Context, n *socketio.Namespace) (any, error) {
	if op.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, time.Duration(op.Timeout)*time.Millisecond)
		defer cancel()
	}
	got, err := n.ServerSideEmitWithAck(ctx, op.Event, op.Args...)
	return firsts(got), err
}

// remote does something to one socket that FetchSockets finds.
func (op *operation) remote(ctx context.Context, to *socketio.Broadcast) (any, error) {
	found, err := to.FetchSockets(ctx)
	if err != nil {
		return nil, err
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("no socket %v", op.To)
	}
	s := found[0]
	switch op.Event {
	case "join":
		return nil, s.Join(op.Rooms...)
	case "leave":
		return nil, s.Leave(op.Rooms...)
	case "disconnect":
		return nil, s.Disconnect(op.Close)
	case "ask":
		within, cancel := context.WithTimeout(ctx, time.Duration(op.Timeout)*time.Millisecond)
		defer cancel()
		got, err := s.EmitWithAck(within, op.Event, op.Args...)
		if err != nil {
			return nil, err
		}
		return packedRaw(got.At(0)), nil
	default:
		return nil, s.Emit(op.Event, op.Args...)
	}
}

// firsts are the first arguments of answers.
func firsts(answers []socketio.Args) []any {
	out := make([]any, len(answers))
	for i, a := range answers {
		out[i] = packedRaw(a.At(0))
	}
	return out
}

// described is what Node's fetchSockets shows of sockets.
func described(found []*socketio.RemoteSocket) []any {
	out := make([]any, 0, len(found))
	for _, s := range found {
		h := s.Handshake()
		headers, query := map[string]string{}, map[string]string{}
		for key := range h.Headers {
			headers[strings.ToLower(key)] = h.Headers.Get(key)
		}
		for key := range h.Query {
			query[key] = h.Query.Get(key)
		}
		out = append(out, map[string]any{
			"id": s.ID(), "rooms": s.Rooms(), "data": pack(s.Data()),
			"handshake": map[string]any{
				"auth": packedRaw(h.Auth), "query": query, "headers": headers, "address": h.Address, "secure": h.Secure,
				"xdomain": h.XDomain, "url": h.URL, "issued": h.Issued, "time": h.Time,
			},
		})
	}
	return out
}
