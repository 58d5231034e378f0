package socketio_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/sockeye-io/sockeye/server/engineio"
	"github.com/sockeye-io/sockeye/server/socketio"
)

// The server of docs/moving-from-zishang520.md, which shows what is above the line
// "README ends here"; a test compares the two.
func Example_moving() {
	io, err := socketio.New(&socketio.Options{
		Engine: engineio.Options{PingInterval: 10 * time.Second},
	})
	if err != nil {
		log.Fatal(err)
	}
	io.Use(func(_ context.Context, s *socketio.Socket) error {
		var auth struct{ Token string }
		if err := s.Handshake().Auth.Decode(&auth); err != nil || auth.Token != "secret" {
			return errors.New("not authorized")
		}
		return nil
	})
	io.OnConnection(func(s *socketio.Socket) {
		_ = s.Join("lobby")
		s.On("say", func(_ context.Context, e *socketio.Event) {
			var text string
			if err := e.Bind(&text); err != nil {
				_ = e.AckError("bad_request", err.Error())
				return
			}
			_ = s.To("lobby").Emit("said", s.ID(), text)
			_ = e.Ack("ok")
		})
		s.OnDisconnect(func(r socketio.DisconnectReason) { log.Print(s.ID(), " is gone: ", r) })
	})
	mux := http.NewServeMux()
	mux.Handle("/socket.io/", io)

	// README ends here
	defer func() { _ = io.Close(context.Background()) }()
	fmt.Println(polled(mux, `40{"token":"wrong"}`))
	fmt.Println(polled(mux, `40{"token":"secret"}`)[:8])
	// Output:
	// 44{"message":"not authorized"}
	// 40{"sid"
}

// polled opens a session, sends one packet, and returns the answer to the poll after it.
func polled(h http.Handler, packet string) string {
	call := func(method, query, body string) string {
		r := httptest.NewRequest(method, "/socket.io/?EIO=4&transport=polling"+query, strings.NewReader(body))
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		text, _ := io.ReadAll(w.Body) // of a recorder: cannot fail
		return string(text)
	}
	_, rest, _ := strings.Cut(call(http.MethodGet, "", ""), `"sid":"`)
	sid, _, _ := strings.Cut(rest, `"`)
	call(http.MethodPost, "&sid="+sid, packet)
	answer := call(http.MethodGet, "&sid="+sid, "")
	call(http.MethodPost, "&sid="+sid, "1")
	return answer
}
