package socketio_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/sockeye-io/sockeye/server/socketio"
)

// A server in a Gin app of one's own. README.md shows what is above the line
// "README ends here", and a test compares the two.
func Example_gin() {
	sio, err := socketio.New(nil)
	if err != nil {
		log.Fatal(err)
	}
	sio.OnConnection(func(s *socketio.Socket) {
		s.On("hello", func(_ context.Context, e *socketio.Event) { _ = e.Ack("hello yourself") })
	})
	router := gin.New()
	router.Any("/socket.io/", gin.WrapH(sio))
	router.Any("/socket.io", gin.WrapH(sio)) // or Gin would redirect it

	// README ends here
	web := httptest.NewServer(router)
	defer web.Close()
	defer func() { _ = sio.Close(context.Background()) }()
	answer, err := web.Client().Get(web.URL + "/socket.io?EIO=4&transport=polling")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer answer.Body.Close()
	packet, err := io.ReadAll(answer.Body)
	fmt.Println(answer.Status, string(packet[:7]), err)
	// Output: 200 OK 0{"sid" <nil>
}

// A Gin middleware says who the user is; the namespace's middleware reads it.
func ExampleConn_Attached() {
	type userKey struct{}
	var o socketio.Options
	o.Engine.Attach = func(r *http.Request) any { return r.Context().Value(userKey{}) }
	sio, err := socketio.New(&o)
	if err != nil {
		log.Fatal(err)
	}
	sio.Use(func(_ context.Context, s *socketio.Socket) error {
		return fmt.Errorf("no entry for %v", s.Conn().Attached())
	})
	router := gin.New()
	router.Use(func(c *gin.Context) {
		user, _, _ := c.Request.BasicAuth() // any way to know the user
		c.Request = c.Request.WithContext(context.WithValue(c.Request.Context(), userKey{}, user))
	})
	router.Any("/socket.io/", gin.WrapH(sio))

	defer func() { _ = sio.Close(context.Background()) }()
	call := func(query, body string) string {
		r := httptest.NewRequest(http.MethodGet, "/socket.io/?EIO=4&transport=polling"+query, nil)
		if body != "" {
			r = httptest.NewRequest(http.MethodPost, "/socket.io/?EIO=4&transport=polling"+query, strings.NewReader(body))
		}
		r.SetBasicAuth("ann", "")
		w := httptest.NewRecorder()
		router.ServeHTTP(w, r)
		return w.Body.String()
	}
	_, rest, _ := strings.Cut(call("", ""), `"sid":"`)
	sid, _, _ := strings.Cut(rest, `"`)
	call("&sid="+sid, "40")
	fmt.Println(call("&sid="+sid, ""))
	call("&sid="+sid, "1")
	// Output: 44{"message":"no entry for ann"}
}
