package redisclient

import (
	"fmt"
	"strings"
	"testing"

	"github.com/sockeye-io/sockeye/adapters/redisclient/redistest"
)

func TestErrorsOfARedisThatIsOfNoUseHaveARemedy(t *testing.T) {
	plain, locked := redistest.Single(t), redistest.Start(t, "--requirepass", "secret")
	gone := redistest.Start(t)
	gone.Kill(t)
	for url, want := range map[string]string{
		strings.Replace(plain.URL(), "redis://", "redis://u:p@", 1): "correct the user and the password",
		locked.URL():         "put the password into",
		plain.URL() + "/999": "number of the database",
		strings.Replace(plain.URL(), "redis://", "redis+cluster://", 1): "single server",
		gone.URL():                     "start Redis there",
		"redis://no-such-host.invalid": "correct the host",
	} {
		c := open(t, url)
		err := c.Set(t.Context(), "x", 1, 0).Err()
		if err == nil {
			t.Errorf("%s: no error", url)
		} else if got := Remedy(fmt.Errorf("reading: %w", err)); !strings.Contains(got, want) {
			t.Errorf("%s: %v: %q, want %q", url, err, got, want)
		}
	}
	if got := Remedy(nil); got != "" {
		t.Errorf("no error has the remedy %q", got)
	}
}
