package redisnodes

import (
	"bytes"
	"testing"
	"time"

	"github.com/sockeye-io/sockeye/adapters/redisclient/redistest"
)

func TestTheFirstNodeMakesTheSecretUp(t *testing.T) {
	onBoth(t, func(t *testing.T, url string) {
		t.Helper()
		prefix := redistest.Prefix(t)
		a, b := join(t, url, prefix, nil), join(t, url, prefix, nil)
		other := join(t, url, redistest.Prefix(t), nil)
		if len(a.Secret()) < 32 || !bytes.Equal(a.Secret(), b.Secret()) {
			t.Errorf("%q and %q", a.Secret(), b.Secret())
		}
		if bytes.Equal(a.Secret(), other.Secret()) {
			t.Error("two clusters have the same secret")
		}
		ttl, err := a.client.TTL(t.Context(), a.keys.secret).Result()
		if err != nil || ttl >= 0 {
			t.Errorf("it expires: %v, %v", ttl, err)
		}
	})
}

func TestASecretThatIsGivenStaysOutOfRedis(t *testing.T) {
	url, prefix := redistest.Single(t).URL(), redistest.Prefix(t)
	secret := []byte("given by the operator")
	a := join(t, url, prefix, func(o *Options) { o.Secret = secret })
	a.Renew(t.Context())
	if !bytes.Equal(a.Secret(), secret) || len(a.Accepted()) != 1 {
		t.Errorf("%q, %q", a.Secret(), a.Accepted())
	}
	if n, err := a.client.Exists(t.Context(), a.keys.secret).Result(); err != nil || n != 0 {
		t.Errorf("it is in Redis: %d, %v", n, err)
	}
}

// Redis may start empty, and a node that did not know the secret make up another: the
// nodes agree on it, and go on accepting the old one.
func TestNodesAgreeAgainAfterRedisHasLostTheSecret(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	prefix := redistest.Prefix(t)
	slow := func(o *Options) { o.Lease = time.Hour }
	a := join(t, server.URL(), prefix, slow)
	old := a.Secret()
	server.FlushAll(t)
	b := join(t, server.URL(), prefix, slow)
	if bytes.Equal(b.Secret(), old) || a.Accepted() == nil {
		t.Fatal("the secret was not lost")
	}
	eventually(t, "a moment has passed", func() bool { return time.Since(time.Unix(0, a.looked.Load())) > roundPause })
	a.Renew(t.Context()) // as when a signature is not known
	if !bytes.Equal(a.Secret(), b.Secret()) || len(a.Accepted()) != 2 || !bytes.Equal(a.Accepted()[1], old) {
		t.Errorf("%q, %q", a.Accepted(), b.Secret())
	}
	before := a.looked.Load()
	a.Renew(t.Context()) // just looked
	if a.looked.Load() != before {
		t.Error("it looked again at once")
	}
	// Who knows a secret puts it back.
	server.FlushAll(t)
	eventually(t, "a moment has passed", func() bool { return time.Since(time.Unix(0, a.looked.Load())) > roundPause })
	a.Renew(t.Context())
	c := join(t, server.URL(), prefix, slow)
	if !bytes.Equal(c.Secret(), b.Secret()) {
		t.Errorf("%q, %q", c.Secret(), b.Secret())
	}
}
