package doors_test

import (
	"context"
	"log"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/sockeye-io/sockeye/handlers/relay"
	"github.com/sockeye-io/sockeye/server/auth"
	"github.com/sockeye-io/sockeye/server/doors"
	"github.com/sockeye-io/sockeye/server/socketio"
)

// sessions is an Authenticator of one's own: it knows what the site's login gave out.
type sessions map[string]string // user by token

func (s sessions) Authenticate(_ context.Context, c *auth.Credentials) (*auth.Principal, error) {
	user, known := s[c.Token]
	if !known {
		return nil, &auth.Error{Code: auth.CodeInvalidToken, Message: "log in first"}
	}
	return &auth.Principal{
		ID: user, Name: user, Method: auth.MethodToken, Expires: time.Now().Add(time.Hour),
		Join: auth.Patterns{"news:*", "user:{id}"}, Publish: auth.Patterns{"news:talk"},
	}, nil
}

// A Gin app with a login of its own: clients are who their token says, for an hour, and
// the relay lets them into the rooms that are theirs.
func Example() {
	keeper, err := doors.New(doors.Options{Authenticator: sessions{"secret of ann": "ann"}})
	if err != nil {
		log.Fatal(err)
	}
	io, err := socketio.New(&socketio.Options{Admit: keeper.Admit, Entered: keeper.Entered})
	if err != nil {
		log.Fatal(err)
	}
	if err := relay.Mount(io, relay.Config{Access: auth.Rooms{}}); err != nil {
		log.Fatal(err)
	}
	io.Of("/").On("whoami", func(_ context.Context, e *socketio.Event) {
		_ = e.Ack(auth.Of(e.Socket()).ID)
	})

	router := gin.New()
	router.Any("/socket.io/*any", gin.WrapH(io))
	server := &http.Server{Addr: "127.0.0.1:3000", Handler: router, ReadHeaderTimeout: 10 * time.Second}
	if err := server.ListenAndServe(); err != nil {
		log.Print(err)
	}
	_ = io.Close(context.Background())
	keeper.Close()
}
