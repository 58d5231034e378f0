package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/sockeye-io/sockeye/bench/load"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	clean, err := run(ctx, os.Args[1:], os.Stdout)
	if err != nil {
		fmt.Fprintln(os.Stderr, "loadgen:", err)
		os.Exit(1)
	}
	if !clean {
		os.Exit(2)
	}
}

// run reports whether nothing was lost, reordered or refused.
func run(ctx context.Context, args []string, out io.Writer) (bool, error) {
	var t load.Target
	var w load.Work
	var asJSON bool
	f := flag.NewFlagSet("loadgen", flag.ContinueOnError)
	f.StringVar(&t.URL, "url", "http://127.0.0.1:3000", "server, on a loopback `address`")
	f.IntVar(&t.PID, "pid", 0, "server's process `id`; 0 leaves CPU and memory out")
	f.StringVar((*string)(&w.Kind), "work", "fanout", "idle, connect, fanout or echo")
	f.StringVar((*string)(&w.Transport), "transport", "websocket", "websocket, polling or upgrade")
	f.IntVar(&w.Clients, "clients", 100, "clients; in a fan-out with one room its size")
	f.IntVar(&w.Rooms, "rooms", 1, "rooms of a fan-out, over which the clients are divided evenly")
	f.IntVar(&w.RoomSize, "room-size", 0, "members of each room, where clients are in several; 0 divides evenly")
	f.StringVar(&w.Room, "room", "bench", "`name` of the room, or what the names of several begin with")
	f.IntVar(&w.Window, "window", 1, "messages in flight: of all rooms in a fan-out, of each client in an echo")
	f.Float64Var(&w.Rate, "rate", 0, "messages per second of a fan-out, or of each client in an echo, instead of a window")
	f.IntVar(&w.Publishers, "publishers", 1, "members of each room that take turns to say")
	f.IntVar(&w.Payload, "payload", 64, "length of a message in `bytes`")
	f.BoolVar(&w.Binary, "binary", false, "messages carry one binary attachment instead of a string")
	f.StringVar((*string)(&w.Parser), "parser", "json", "Socket.IO parser of the server: json or msgpack")
	f.BoolVar(&w.Deflate, "deflate", false, "use permessage-deflate, with a payload that compresses as text does")
	f.Float64Var(&w.Churn, "churn", 0, "more clients per second that connect and disconnect beside the traffic")
	f.Float64Var(&w.Stalled, "stalled", 0, "`share` of the clients of a fan-out that stop reading once they have joined, up to 0.5")
	f.IntVar(&w.Dials, "dials", 64, "connections that are opened at once")
	f.StringVar(&t.Namespace, "namespace", "/", "`name` of the namespace")
	f.IntVar(&w.Messages, "messages", 0, "exactly so many messages (per client in an echo), instead of a time")
	f.DurationVar(&w.Warmup, "warmup", time.Second, "traffic before the measuring")
	f.DurationVar(&w.Measure, "measure", 3*time.Second, "how long to measure")
	f.DurationVar(&w.Settle, "settle", 5*time.Second, "idle: how long to wait at most for memory to stand still")
	f.BoolVar(&asJSON, "json", false, "print JSON")
	if err := f.Parse(args); err != nil {
		return false, err
	}
	r, err := load.Run(ctx, t, w)
	if err != nil {
		return false, err
	}
	if asJSON {
		e := json.NewEncoder(out)
		e.SetIndent("", "  ")
		err = e.Encode(r)
	} else {
		err = describe(out, r)
	}
	return r.Failure() == "", err
}

func describe(out io.Writer, r *load.Result) error {
	units := map[load.Kind]string{load.Idle: "clients", load.Connect: "connects", load.Fanout: "deliveries", load.Echo: "acks"}
	failure := r.Failure()
	if failure == "" {
		failure = "nothing lost, doubled or out of order"
	}
	_, err := fmt.Fprintf(out, "%d %s in %v: %.0f per second\n"+
		"server CPU %.2f µs each (generator %.2f µs), resident %.1f MiB, %.1f KiB per client, %.0f bytes received each\n"+
		"latency p50 %v, p99 %v, max %v\n%s\n",
		r.Units, units[r.Work.Kind], r.Elapsed.Round(time.Millisecond), r.PerSecond(),
		r.CPUPerUnit(), r.GeneratorPerUnit(), float64(r.RSSAfter)/(1<<20), r.RSSPerClient(), r.ReceivedPerUnit(),
		r.P50, r.P99, r.Max, failure)
	for _, extra := range []struct {
		n    int64
		what string
	}{
		{r.Churned, "clients came and went"},
		{r.Compressed, "messages arrived compressed"},
		{int64(r.StalledClosed), "of the stalled clients were ended by the server"},
	} {
		if err == nil && extra.n != 0 {
			_, err = fmt.Fprintln(out, extra.n, extra.what)
		}
	}
	for _, n := range r.Notes {
		if err == nil {
			_, err = fmt.Fprintln(out, "-", n)
		}
	}
	return err
}
