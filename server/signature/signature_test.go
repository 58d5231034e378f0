package signature_test

import (
	"testing"

	"github.com/sockeye-io/sockeye/server/signature"
)

// The example of docs/webhooks.md, with the same secret twice.
func TestOf(t *testing.T) {
	t.Parallel()
	const sum = "8606580d35d1ab099cf002af45945dab84c141733c3f44eb4917243346a70ec2"
	secret := []byte("0123456789abcdef0123456789abcdef")
	got := signature.Of([][]byte{secret, secret}, 1767225600, []byte(`{"call":"event"}`))
	if want := "t=1767225600,v1=" + sum + ",v1=" + sum; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}
