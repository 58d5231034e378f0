package clientip

import (
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func networks(t testing.TB, list ...string) *Networks {
	t.Helper()
	n, err := Parse(list)
	if err != nil {
		t.Fatal(err)
	}
	return n
}
