package main

import (
	"context"
	"flag"
	"fmt"
	"net"
	"os"
	"os/signal"
	"syscall"

	"github.com/sockeye-io/sockeye/bench/process"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "floor:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	parser := flag.String("parser", "json", "json, or msgpack, which is then all that it reads")
	flag.Parse()
	if err := process.RaiseFileLimit(1024); err != nil {
		return err
	}
	var lc net.ListenConfig
	ln, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "listening addr=%s\n", ln.Addr())
	s := newServer()
	s.msgpack = *parser == "msgpack"
	return s.serve(ctx, ln)
}
