package carry

import (
	"testing"
	"time"

	"github.com/sockeye-io/sockeye/server/nodes"
)

// FuzzCredentials reads headers that somebody made up: nothing is accepted without the
// secret, and what is read can be written again.
func FuzzCredentials(f *testing.F) {
	for _, seed := range []string{
		"v=1.0; from=AbCdEfGh; at=1767225600; addr=192.0.2.7:5123; tls=0", "v=1.9; from=x; at=1; addr=a:1; zone=b; ask=alive",
		"v=2.0; from=x; at=1; addr=a:1", "v=1.0; from=; at=-9223372036854775808; addr=", "v=1.0; v=1.0; from=x", "v", "", ";", "=; =",
	} {
		f.Add(seed, "c2lnbmVk")
	}
	s := sealer{secrets: nodes.NewStatic(nodes.Node{ID: "node___1"}, testSecret)}
	f.Fuzz(func(t *testing.T, fields, mac string) {
		c, err := parseFields(fields)
		now := time.Unix(c.at, 0)
		if _, opened := s.open(fields+"; mac="+mac, "GET", "/x", now); opened == nil {
			t.Fatalf("accepted %q with the signature %q", fields, mac)
		}
		got, opened := s.open(sealed(testSecret, "GET", "/x", fields), "GET", "/x", now)
		if (err == nil) != (opened == nil) {
			t.Fatalf("%q: %v, and signed %v", fields, err, opened)
		}
		if err == nil && got != c {
			t.Errorf("%q: %+v, and signed %+v", fields, c, got)
		}
	})
}
