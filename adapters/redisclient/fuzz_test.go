package redisclient

import (
	"strings"
	"testing"
)

// FuzzURL reads addresses that a person wrote: what is taken can be opened, and an error
// shows no password.
func FuzzURL(f *testing.F) {
	for _, seed := range [][2]string{
		{"redis", "h"},
		{"rediss", "h:1/2"},
		{"redis+cluster", "a,b:2"},
		{"redis+sentinel", "a,b/main/3?sentinel_password=x"},
		{"redis", "[::1]:6379"},
		{"redis", "h:"},
		{"redis+x", "h"},
		{"http", "h"},
		{"", ""},
		{"redis", "%@h"},
		{"redis", "/@h"},
		{"redis", "h?a=b"},
	} {
		f.Add(seed[0], seed[1])
	}
	const password = "hunter2"
	f.Fuzz(func(t *testing.T, scheme, rest string) {
		c, err := Open(scheme + "://u:" + password + "@" + rest)
		switch {
		case err == nil:
			if err := c.Close(); err != nil {
				t.Error(err)
			}
		case strings.Contains(err.Error(), password) && !strings.Contains(scheme+rest, password) && !strings.Contains(scheme, "://"):
			t.Errorf("%q, %q: the error shows the password: %v", scheme, rest, err)
		}
	})
}
