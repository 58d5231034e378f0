package load

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
)

// maxResponse bounds one polling response: 16 MiB.
const maxResponse = 16 << 20

var errMalformedResponse = errors.New("malformed HTTP response")

// response is one HTTP/1.1 response, complete.
type response struct {
	status int
	body   []byte // within the buffer it was read from
	close  bool   // the server ends the connection after it
}

// responses cuts the responses of one connection out of what arrives. Requests
// are not pipelined, so at most one is under way.
type responses struct {
	partial []byte
}

// feed returns a response once it is complete. Its body is valid until the next
// feed and no longer than p.
func (r *responses) feed(p []byte) (response, bool, error) {
	if len(r.partial) > 0 {
		r.partial = append(r.partial, p...)
		p = r.partial
	}
	resp, n, err := cutResponse(p)
	switch {
	case err != nil:
		return response{}, false, err
	case n == 0 && len(p) > maxResponse:
		return response{}, false, fmt.Errorf("above 16 MiB: %w", errMalformedResponse)
	case n == 0:
		if len(r.partial) == 0 {
			r.partial = append(r.partial, p...)
		}
		return response{}, false, nil
	case n < len(p):
		return response{}, false, fmt.Errorf("bytes after the response: %w", errMalformedResponse)
	}
	r.partial = r.partial[:0]
	return resp, true, nil
}

// cutResponse takes a response off the front of p and returns how many bytes it
// took, 0 while it is incomplete.
func cutResponse(p []byte) (response, int, error) {
	head, _, complete := bytes.Cut(p, []byte("\r\n\r\n"))
	if !complete {
		return response{}, 0, nil
	}
	if len(head) < 12 || !bytes.HasPrefix(head, []byte("HTTP/1.1 ")) {
		return response{}, 0, errMalformedResponse
	}
	status, err := strconv.Atoi(string(head[9:12]))
	if err != nil {
		return response{}, 0, errMalformedResponse
	}
	resp := response{status: status, close: bytes.EqualFold(header(head, "connection"), []byte("close"))}
	bodyAt := len(head) + 4
	if bytes.EqualFold(header(head, "transfer-encoding"), []byte("chunked")) {
		body, n, err := cutChunks(p[bodyAt:])
		if n == 0 || err != nil {
			return response{}, 0, err
		}
		resp.body = body
		return resp, bodyAt + n, nil
	}
	length, err := strconv.ParseUint(string(header(head, "content-length")), 10, 31)
	if err != nil {
		return response{}, 0, fmt.Errorf("Content-Length: %w", errMalformedResponse)
	}
	end := bodyAt + int(length)
	if len(p) < end {
		return response{}, 0, nil
	}
	resp.body = p[bodyAt:end]
	return resp, end, nil
}

// header returns the value of the first header of that (lower case) name.
func header(head []byte, name string) []byte {
	for len(head) > 0 {
		var line []byte
		line, head, _ = bytes.Cut(head, []byte("\r\n"))
		if len(line) > len(name) && line[len(name)] == ':' && bytes.EqualFold(line[:len(name)], []byte(name)) {
			return bytes.TrimSpace(line[len(name)+1:])
		}
	}
	return nil
}

// cutChunks decodes a chunked body without trailers (RFC 9112 section 7.1).
func cutChunks(p []byte) (body []byte, n int, err error) {
	for {
		line, _, complete := bytes.Cut(p[n:], []byte("\r\n"))
		if !complete {
			return nil, 0, nil
		}
		size, err := strconv.ParseUint(string(line), 16, 31)
		if err != nil {
			return nil, 0, fmt.Errorf("chunk size: %w", errMalformedResponse)
		}
		from := n + len(line) + 2
		end := from + int(size)
		if len(p) < end+2 {
			return nil, 0, nil
		}
		if !bytes.Equal(p[end:end+2], []byte("\r\n")) {
			return nil, 0, fmt.Errorf("end of chunk: %w", errMalformedResponse)
		}
		n = end + 2
		if size == 0 {
			return body, n, nil
		}
		body = append(body, p[from:end]...)
	}
}
