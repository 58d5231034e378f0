package redisnodes

import (
	"bytes"
	"context"
	"crypto/rand"
	"slices"
	"time"

	"github.com/redis/go-redis/v9"
)

// secretKept is how many secrets are accepted: the one in use, and those that were
// before. There is a second one only when Redis has lost the first, and a node that
// did not know it made one up.
const secretKept = 3

// Secret returns the cluster's secret, or nil before Redis was reached first.
func (n *Registry) Secret() []byte {
	if s := n.secrets.Load(); s != nil {
		return (*s)[0]
	}
	return nil
}

// Accepted returns the secrets that other nodes may use.
func (n *Registry) Accepted() [][]byte {
	if s := n.secrets.Load(); s != nil {
		return *s
	}
	return nil
}

// Renew looks whether the cluster's secret has changed, unless it was given, or read
// in the last tenth of a second, or Redis is away.
func (n *Registry) Renew(ctx context.Context) {
	if n.opts.Secret != nil || n.away.Load() || time.Since(time.Unix(0, n.looked.Load())) < roundPause {
		return
	}
	n.await(ctx)
}

// offerSecret puts the secret that is in use into Redis, or a new one, unless there is
// one, and returns the one that is there. It does nothing when the secret was given.
func (n *Registry) offerSecret(ctx context.Context, p redis.Pipeliner) *redis.StringCmd {
	if n.opts.Secret != nil {
		return nil
	}
	offer := n.Secret()
	if offer == nil {
		if n.fresh == nil {
			n.fresh = []byte(rand.Text() + rand.Text()) // 260 bits
		}
		offer = n.fresh
	}
	p.SetNX(ctx, n.keys.secret, offer, 0)
	return p.Get(ctx, n.keys.secret)
}

// adoptSecret uses a secret that was read.
func (n *Registry) adoptSecret(s []byte) {
	old := n.Accepted()
	if len(s) == 0 || len(old) > 0 && bytes.Equal(old[0], s) {
		return
	}
	list := [][]byte{s}
	for _, o := range old {
		if len(list) < secretKept && !bytes.Equal(o, s) {
			list = append(list, slices.Clone(o))
		}
	}
	n.secrets.Store(&list)
	if len(old) > 0 {
		n.opts.Logger.Info("the cluster's secret has changed: another node made it up after Redis had lost the old one")
	}
}
