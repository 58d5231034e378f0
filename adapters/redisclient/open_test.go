package redisclient

import (
	"slices"
	"strings"
	"testing"
)

func TestURLs(t *testing.T) {
	for in, want := range map[string]struct {
		addrs        []string
		form, master string
		user, pass   string
		db           int
		tls          bool
	}{
		"redis://127.0.0.1:6380/2":                 {addrs: []string{"127.0.0.1:6380"}, db: 2},
		"redis://h":                                {addrs: []string{"h:6379"}},
		"redis://[::1]:1":                          {addrs: []string{"[::1]:1"}},
		"redis://[::1]":                            {addrs: []string{"[::1]:6379"}},
		"rediss://u:p%40ss@h:1":                    {addrs: []string{"h:1"}, user: "u", pass: "p@ss", tls: true},
		"redis+cluster://:secret@a:1,b":            {addrs: []string{"a:1", "b:6379"}, form: formCluster, pass: "secret"},
		"rediss+sentinel://a,b:2/main/3":           {addrs: []string{"a:26379", "b:2"}, form: formSentinel, master: "main", db: 3, tls: true},
		"redis+sentinel://a/m?sentinel_password=x": {addrs: []string{"a:26379"}, form: formSentinel, master: "m"},
		"redis+sentinel://a/m?sentinel_password=@": {addrs: []string{"a:26379"}, form: formSentinel, master: "m"},
	} {
		o, form, err := parse(in)
		if err != nil {
			t.Errorf("%s: %v", in, err)
			continue
		}
		if !slices.Equal(o.Addrs, want.addrs) || form != want.form || o.MasterName != want.master || o.Username != want.user ||
			o.Password != want.pass || o.DB != want.db || (o.TLSConfig != nil) != want.tls || o.MaxRetries != -1 {
			t.Errorf("%s: %+v %q", in, o, form)
		}
	}
	for _, in := range []string{
		"", "localhost:6379", "http://h", "redis+ring://h", "redis://", "redis://a,b", "redis+cluster://a/1",
		"redis+sentinel://a", "redis://h/x", "redis://h/1/2", "redis://h?secret=1", "redis://u:hunter2%@h", "redis://u:hunter2@h:x",
		"redis://:hunter2/x@h", "redis://:hunter2?x@h", "redis://u:hunter2#x@h", "redis://:/hunter2@h:1/1", "redis+cluster://:1/hunter2@h",
		"redis+sentinel://:hunter2/x@h/m", "redis+sentinel://:hunter2?x@h/m", "redis+sentinel://:1/hunter2@h/m",
	} {
		err := Check(in)
		if err == nil {
			t.Errorf("%q was taken", in)
		} else if strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%q: the error shows the password: %v", in, err)
		}
	}
	for in, want := range map[string]string{"redis://h": "*redis.Client"} {
		c, err := Open(in)
		if err != nil {
			t.Fatalf("%s: %v (%s)", in, err, want)
		}
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	}
}
