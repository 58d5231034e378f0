package main

import (
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/zishang520/engine.io/v2/types"
	"github.com/zishang520/socket.io/v2/socket"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "zishang-v2:", err)
		os.Exit(1)
	}
}

func run() error {
	deflate := flag.Bool("deflate", false, "permessage-deflate for messages above 1 KiB, as in Node")
	flag.Parse()
	opts := socket.DefaultServerOptions()
	if *deflate {
		opts.SetPerMessageDeflate(&types.PerMessageDeflate{Threshold: 1024})
	}
	io := socket.NewServer(nil, opts)
	if err := io.On("connection", func(clients ...any) {
		if s, ok := clients[0].(*socket.Socket); ok {
			relay(io, s, *deflate)
		}
	}); err != nil {
		return err
	}
	gin.SetMode(gin.ReleaseMode)
	router := gin.New()
	handler := gin.WrapH(io.ServeHandler(nil))
	router.GET("/socket.io/", handler)
	router.POST("/socket.io/", handler)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "listening addr=%s\n", ln.Addr())
	srv := &http.Server{Handler: router, ReadHeaderTimeout: 10 * time.Second}
	return srv.Serve(ln)
}

// Acknowledgements are not compressed: the library has no way to ask for it.
func relay(io *socket.Server, s *socket.Socket, compress bool) {
	on(s, "join", func(args []any, ack socket.Ack) {
		if room, ok := first(args); ok {
			s.Join(room)
			ack([]any{"ok"}, nil)
		}
	})
	on(s, "leave", func(args []any, ack socket.Ack) {
		if room, ok := first(args); ok {
			s.Leave(room)
			ack([]any{"ok"}, nil)
		}
	})
	on(s, "say", func(args []any, ack socket.Ack) {
		room, ok := first(args)
		if !ok {
			return
		}
		if err := io.To(room).Compress(compress).Emit("msg", args[1:]...); err != nil {
			fmt.Fprintln(os.Stderr, "say:", err)
		}
		ack([]any{"ok"}, nil)
	})
	on(s, "echo", func(args []any, ack socket.Ack) { ack(args, nil) })
}

// on takes the ack off the arguments; without one, echo is emitted back and
// every other answer is dropped.
func on(s *socket.Socket, event string, handle func(args []any, ack socket.Ack)) {
	err := s.On(event, func(args ...any) {
		if n := len(args); n > 0 {
			if ack, ok := args[n-1].(socket.Ack); ok {
				handle(args[:n-1], ack)
				return
			}
		}
		handle(args, func(answer []any, _ error) {
			if event != "echo" {
				return
			}
			if err := s.Emit(event, answer...); err != nil {
				fmt.Fprintln(os.Stderr, "echo:", err)
			}
		})
	})
	if err != nil {
		fmt.Fprintln(os.Stderr, event+":", err)
	}
}

func first(args []any) (socket.Room, bool) {
	if len(args) == 0 {
		return "", false
	}
	room, ok := args[0].(string)
	return socket.Room(room), ok
}
