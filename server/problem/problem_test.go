package problem_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/sockeye-io/sockeye/server/auth"
	"github.com/sockeye-io/sockeye/server/limit"
	"github.com/sockeye-io/sockeye/server/problem"
	"github.com/sockeye-io/sockeye/server/rooms"
)

func TestAProblemIsADocumentWithTheErrorOfEveryOtherWay(t *testing.T) {
	for _, c := range []struct {
		err    error
		status int
		body   string
	}{
		{
			&problem.Problem{Status: 400, Code: "bad_request", Message: "event is empty", Field: "/event"}, 400,
			`{"type":"about:blank","title":"Bad Request","status":400,"detail":"event is empty","error":{"code":"bad_request","message":"event is empty","field":"/event"}}`,
		},
		{
			fmt.Errorf("api: %w", &auth.Error{Code: auth.CodeInvalidToken, Message: "no"}), 401,
			`{"type":"about:blank","title":"Unauthorized","status":401,"detail":"no","error":{"code":"invalid_token","message":"no"}}`,
		},
		{
			auth.Forbidden(auth.ActionRead, "den"), 403,
			`{"type":"about:blank","title":"Forbidden","status":403,"detail":"you have no right to read the room \"den\"","error":{"code":"forbidden","message":"you have no right to read the room \"den\""}}`,
		},
		{
			&rooms.Error{Code: rooms.CodeBadRoom, Message: "empty"}, 400,
			`{"type":"about:blank","title":"Bad Request","status":400,"detail":"empty","error":{"code":"bad_room","message":"empty"}}`,
		},
		{
			&limit.Exceeded{Limit: limit.IPHandshakes, RetryAfter: 1500 * time.Millisecond}, 429,
			`{"type":"about:blank","title":"Too Many Requests","status":429,"detail":"too many new connections from your address: try again in 2s","error":{"code":"rate_limited","message":"too many new connections from your address: try again in 2s","retryAfter":1500}}`,
		},
		{
			errors.New("a secret"), 500,
			`{"type":"about:blank","title":"Internal Server Error","status":500,"detail":"the server could not do this","error":{"code":"failed","message":"the server could not do this"}}`,
		},
	} {
		w := httptest.NewRecorder()
		problem.Write(w, problem.Of(c.err))
		if w.Code != c.status || w.Body.String() != c.body {
			t.Errorf("%v: %d %s, want %d %s", c.err, w.Code, w.Body, c.status, c.body)
		}
		if got := w.Header().Get("Content-Type"); got != problem.ContentType {
			t.Errorf("Content-Type is %q", got)
		}
		if got, want := w.Header().Get("WWW-Authenticate") != "", c.status == http.StatusUnauthorized; got != want {
			t.Errorf("%d: WWW-Authenticate is there: %t", c.status, got)
		}
		if c.status == http.StatusTooManyRequests && w.Header().Get("Retry-After") != "2" {
			t.Errorf("Retry-After is %q, want whole seconds that are not too few", w.Header().Get("Retry-After"))
		}
	}
}
