package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"net"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// options are those of the command line.
type options struct {
	addr      string
	way       string
	clients   int
	rate      int // actions a second of each client
	from      string
	addresses int
	lasting   time.Duration
}

// tally is what all clients did, and what came of it.
type tally struct {
	Sent      atomic.Int64 // actions
	Bytes     atomic.Int64
	Connected atomic.Int64 // connections that were let in
	Refused   atomic.Int64 // connections that were not
	Ended     atomic.Int64 // connections that the server ended
	Limited   atomic.Int64 // answers that say so, roughly
}

func main() {
	var o options
	flag.StringVar(&o.addr, "addr", "", "host:port of the server, on loopback")
	flag.StringVar(&o.way, "way", "", "events, bytes, handshakes, namespaces, rooms or half-open")
	flag.IntVar(&o.clients, "clients", 50, "how many clients")
	flag.IntVar(&o.rate, "rate", 100, "actions a second of each client: events, frames of 16 KiB, handshakes, connects, joins, connections")
	flag.StringVar(&o.from, "from", "127.0.0.2", "first address that they come from")
	flag.IntVar(&o.addresses, "addresses", 5, "how many addresses they come from")
	flag.DurationVar(&o.lasting, "for", 5*time.Second, "how long")
	flag.Parse()
	runtime.GOMAXPROCS(1) // the other cores are the server's
	if err := run(&o); err != nil {
		fmt.Fprintln(os.Stderr, "hostile:", err)
		os.Exit(1)
	}
}

func run(o *options) error {
	act, ok := ways[o.way]
	if !ok {
		return fmt.Errorf("there is no way %q", o.way)
	}
	first := net.ParseIP(o.from).To4()
	if host, _, err := net.SplitHostPort(o.addr); err != nil || !net.ParseIP(host).IsLoopback() || first == nil || !first.IsLoopback() {
		return fmt.Errorf("from %s to %q: both must be addresses of loopback", o.from, o.addr)
	}
	ctx, cancel := context.WithTimeout(context.Background(), o.lasting)
	defer cancel()
	var t tally
	var all sync.WaitGroup
	for i := range o.clients {
		ip := net.IPv4(first[0], first[1], first[2], first[3]+byte(i%o.addresses))
		c := &client{addr: o.addr, from: ip, rate: o.rate, tally: &t}
		all.Go(func() {
			for ctx.Err() == nil {
				act(ctx, c)
				c.rest(ctx)
			}
		})
	}
	all.Wait()
	return json.NewEncoder(os.Stdout).Encode(map[string]int64{
		"sent": t.Sent.Load(), "bytes": t.Bytes.Load(), "connected": t.Connected.Load(),
		"refused": t.Refused.Load(), "ended": t.Ended.Load(), "limited": t.Limited.Load(),
	})
}
