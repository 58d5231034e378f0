package comments

import (
	"context"
	"net/http"
)

// signInEvent makes the client somebody, or goes on with a new token.
func (r *request) signInEvent(ctx context.Context) (any, error) {
	var g given
	if err := r.bind(&g, "{token} or {guest: {secret, name?}}"); err != nil {
		return nil, err
	}
	if g.Token == "" && g.Guest == nil && !g.Moderate {
		return nil, badRequest("", "the first argument has token or guest")
	}
	came := r.socket.Conn().Request()
	u, err := r.site.identify(ctx, &g, &http.Request{Host: came.Host, Header: came.Header, URL: came.URL})
	if err != nil {
		return nil, err
	}
	r.signIn(u)
	return map[string]any{"user": formOfUser(&u.Author)}, nil
}

// signOutEvent makes it a reader.
func (r *request) signOutEvent(context.Context) (any, error) {
	r.signOut()
	return struct{}{}, nil
}
