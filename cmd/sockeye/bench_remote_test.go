package main

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sockeye-io/sockeye/server/certs/certstest"
)

func TestBenchSpeaksHTTPS(t *testing.T) {
	t.Parallel()
	files := certstest.SelfSigned(t, "127.0.0.1").Write(t, t.TempDir())
	s := start(t, "--tls-cert", files.Cert, "--tls-key", files.Key)
	url := "https" + strings.TrimPrefix(s.url, "http")
	for _, transport := range []string{"websocket", "polling", "upgrade"} {
		if rep := measuredIn(t, url, "--insecure", "--work", "fanout", "--transport", transport); !rep.Clean {
			t.Errorf("%s: %+v", transport, rep)
		}
	}
	for url, want := range map[string]string{url: "if you know better, add --insecure", s.url: "write https:// in place of http://"} {
		if status, _, stderr := benchIn(t, url); status != 1 || !strings.Contains(stderr, want) {
			t.Errorf("%s: status %d: %s", url, status, stderr)
		}
	}
}

func TestBenchShowsAToken(t *testing.T) {
	t.Parallel()
	secret := strings.Repeat("s", 32)
	s := start(t, "--auth-secret", secret)
	var token bytes.Buffer
	if status := run(t.Context(), []string{"token", "--sub", "ann", "--auth-secret", secret, "--room", "hall"}, &token, io.Discard); status != 0 {
		t.Fatal("no token")
	}
	text := strings.TrimSpace(token.String())
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, token.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		{"--token", text}, {"--token-file", file}, {"--auth", `{"token":"` + text + `"}`}, {"--header", "Authorization: Bearer " + text},
	} {
		if rep := measuredIn(t, append(args, s.url, "--room", "hall", "--work", "fanout")...); !rep.Clean {
			t.Errorf("%q: %+v", args, rep)
		}
	}
	for want, args := range map[string][]string{
		"log in first: no token, key or session came along": {},
		"show who the clients are, with --token or --auth":  {"--token", "nothing"},
		"name a room that this token may use with --room":   {"--token", text, "--work", "fanout"},
	} {
		if status, _, stderr := benchIn(t, append(args, s.url)...); status != 1 || !strings.Contains(stderr, want) {
			t.Errorf("%q: status %d, want %q: %s", args, status, want, stderr)
		}
	}
}
