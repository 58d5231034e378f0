package load

import (
	"errors"
	"testing"
)

func TestResponseInAnySplit(t *testing.T) {
	for name, whole := range map[string]string{
		"length":  "HTTP/1.1 200 OK\r\ncontent-length: 7\r\n\r\n40{}\x1e42",
		"chunked": "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\n40{}\r\n3\r\n\x1e42\r\n0\r\n\r\n",
		"closing": "HTTP/1.1 200 OK\r\nContent-Length: 7\r\nConnection: close\r\n\r\n40{}\x1e42",
	} {
		for split := range whole {
			var r responses
			resp, done, err := r.feed([]byte(whole[:split]))
			if done || err != nil {
				t.Fatalf("%s: complete %v, error %v after %d of %d bytes", name, done, err, split, len(whole))
			}
			resp, done, err = r.feed([]byte(whole[split:]))
			if !done || err != nil || resp.status != 200 || string(resp.body) != "40{}\x1e42" {
				t.Errorf("%s split at %d: complete %v, %d %q, error %v", name, split, done, resp.status, resp.body, err)
			}
			if resp.close != (name == "closing") {
				t.Errorf("%s: close is %v", name, resp.close)
			}
		}
	}
}

func TestResponseRefused(t *testing.T) {
	for _, whole := range []string{
		"HTTP/1.0 200 OK\r\ncontent-length: 0\r\n\r\n",
		"HTTP/1.1 abc OK\r\ncontent-length: 0\r\n\r\n",
		"HTTP/1.1 200 OK\r\n\r\n",
		"HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n",
		"HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\nab",
		"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
		"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\nabc",
	} {
		var r responses
		if _, done, err := r.feed([]byte(whole)); done || !errors.Is(err, errMalformedResponse) {
			t.Errorf("%q: complete %v, error %v; want %v", whole, done, err, errMalformedResponse)
		}
	}
}
