package pgtest

import (
	"fmt"
	"os"
	"sync"
	"testing"
)

// shared is the server that all tests of a binary use.
var shared struct {
	mu     sync.Mutex
	server *Server
	err    error
}

// Database returns the URL of an empty database, on the binary's server, which is started when it is asked
// for first.
func Database(t testing.TB) string {
	t.Helper()
	server, err := single()
	if err != nil {
		t.Fatal(err)
	}
	url, err := server.Database(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return url
}

func single() (*Server, error) {
	shared.mu.Lock()
	defer shared.mu.Unlock()
	if shared.server == nil && shared.err == nil {
		shared.server, shared.err = Start()
	}
	return shared.server, shared.err
}

// Runner is what a TestMain runs.
type Runner struct{ m interface{ Run() int } }

// Main returns m with an end: the server is ended after the last test, and before goroutines that leak
// are looked for. m is a *testing.M, or a Runner such as this one.
func Main(m interface{ Run() int }) Runner { return Runner{m} }

// Run runs the tests.
func (r Runner) Run() int {
	code := r.m.Run()
	shared.mu.Lock()
	defer shared.mu.Unlock()
	if shared.server == nil {
		return code
	}
	if err := shared.server.Stop(); err != nil {
		fmt.Fprintln(os.Stderr, "pgtest:", err)
		code = max(code, 1)
	}
	shared.server = nil
	return code
}
