package socketio_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"net/http/httptest"

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
