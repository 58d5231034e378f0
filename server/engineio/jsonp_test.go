package engineio

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// jsonp takes the payload out of a JSONP answer.
func jsonp(t *testing.T, j string, a answer) string {
	t.Helper()
	if a.err != nil || a.status != http.StatusOK {
		t.Fatalf("%d %q %v", a.status, a.body, a.err)
	}
	if got := a.header.Get("Content-Type"); got != "text/javascript; charset=UTF-8" {
		t.Errorf("content type %q", got)
	}
	quoted, ok := strings.CutPrefix(a.body, "___eio["+j+"](")
	quoted, ok2 := strings.CutSuffix(quoted, ");")
	var s string
	if !ok || !ok2 || json.Unmarshal([]byte(quoted), &s) != nil {
		t.Fatalf("%q is no call", a.body)
	}
	return s
}

func TestJSONPMessages(t *testing.T) {
	t.Parallel()
	f := serve(t, &Options{AllowEIO3: true}, echo)
	open := jsonp(t, "7", f.get("EIO=3&transport=polling&j=7"))
	_, packet, _ := strings.Cut(open, ":")
	q := "EIO=3&transport=polling&j=7&sid=" + parseOpen(t, packet).SID

	// A form turns newlines into CRLF, so clients send them as a backslash and an
	// n, and a backslash before an n as two.
	for sent, want := range map[string]string{
		"4hello":        "4hello",
		`4one\ntwo`:     "4one\ntwo",
		`4path\\name`:   `4path\name`,
		`4"quotes"; ü`:  `4"quotes"; ü`,
		"4<script>&+%":  "4<script>&+%",
		"4\u2028\u2029": "4\u2028\u2029",
	} {
		payload := string(says(want[1:]).encoded(formPoll3))
		n, _, _ := strings.Cut(payload, ":")
		form := url.Values{"d": {n + ":" + sent}}.Encode()
		f.do(t.Context(), http.MethodPost, q, form, http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}).want(t, http.StatusOK, "ok")
		a := f.get(q)
		if got := jsonp(t, "7", a); got != payload {
			t.Errorf("sent %q: got %q, want %q", sent, got, payload)
		}
		if strings.ContainsAny(a.body, "\u2028\u2029<") {
			t.Errorf("%q is not safe as script", a.body)
		}
	}
}

func TestJSONPBinaryGoesAsBase64(t *testing.T) {
	t.Parallel()
	f := serve(t, &Options{AllowEIO3: true}, nil)
	_, packet, _ := strings.Cut(jsonp(t, "", f.get("EIO=3&transport=polling&j=x")), ":")
	sid := parseOpen(t, packet).SID
	if err := f.peer(sid).Send(NewMessage(Part{Data: []byte{1, 2, 3, 4}, Binary: true}), 0); err != nil {
		t.Fatal(err)
	}
	if got := jsonp(t, "0", f.get("EIO=3&transport=polling&j=0&sid="+sid)); got != "10:b4AQIDBA==" {
		t.Errorf("got %q", got)
	}
}

func TestJSONPProtocol4(t *testing.T) {
	t.Parallel()
	f := serve(t, nil, echo)
	sid := parseOpen(t, jsonp(t, "0", f.get("EIO=4&transport=polling&j=0"))).SID
	q := "EIO=4&transport=polling&j=0&sid=" + sid
	f.post(q, "d=4hello").want(t, http.StatusOK, "ok")
	if got := jsonp(t, "0", f.get(q)); got != "4hello" {
		t.Errorf("got %q", got)
	}
	f.post(q, "no form").refused(t, http.StatusBadRequest, 3, "Bad request")
	f.peer(sid).ended(t, ReasonTransportError, DetailBadPacket)
}
