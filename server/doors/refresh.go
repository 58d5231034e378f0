package doors

import (
	"context"
	"reflect"

	"github.com/sockeye-io/sockeye/server/auth"
	"github.com/sockeye-io/sockeye/server/socketio"
)

// RefreshEvent is what a client sends to go on with another token.
const RefreshEvent = auth.EventPrefix + "refresh"

// refreshed acknowledges a refresh.
type refreshed struct {
	OK      bool  `json:"ok"`
	Expires int64 `json:"expires,omitempty"` // milliseconds since 1970; none is never
}

// refresh handles RefreshEvent.
func (k *Keeper) refresh(ctx context.Context, e *socketio.Event) {
	s := e.Socket()
	was := auth.Of(s)
	p, err := k.renewed(ctx, e, was)
	if err != nil {
		refused := k.refusal(ctx, err)
		k.opts.Observer.TokenRefreshed(refused.Code)
		if e.HasAck() {
			_ = e.AckError(string(refused.Code), refused.Message) // fails only when the client is gone
		}
		return
	}
	k.renew(s, was, p)
	k.opts.Observer.TokenRefreshed("")
	if !e.HasAck() {
		return
	}
	answer := refreshed{OK: true}
	if !p.Expires.IsZero() {
		answer.Expires = p.Expires.UnixMilli()
	}
	_ = e.Ack(answer)
}

// renewed asks who a client is that shows a new token.
func (k *Keeper) renewed(ctx context.Context, e *socketio.Event, was *auth.Principal) (*auth.Principal, error) {
	var token string
	if e.Bind(&token) != nil || token == "" {
		return nil, &auth.Error{Code: auth.CodeUnauthorized, Message: "the first argument of " + RefreshEvent + " is a token"}
	}
	s := e.Socket()
	p, err := k.authenticate(ctx, &auth.Credentials{
		Token: token, Address: s.Handshake().Address, Namespace: s.Namespace().Name(),
	})
	if err != nil {
		return nil, err
	}
	if p.ID != was.ID || p.ID == "" && p.Method != was.Method {
		return nil, &auth.Error{Code: auth.CodeOtherUser, Message: "this token is not of the user who is connected; connect again with it"}
	}
	return p, nil
}

// renew makes p who the client is, in the namespace where it said so and wherever on the
// connection it was the same before.
func (k *Keeper) renew(s *socketio.Socket, was, p *auth.Principal) {
	for _, one := range s.Conn().Sockets() {
		k.mu.Lock()
		if of := auth.Of(one); one == s || of == was || reflect.DeepEqual(of, was) {
			one.SetIdentity(p)
			k.timeLocked(one)
		}
		k.mu.Unlock()
	}
}
