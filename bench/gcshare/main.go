package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/sockeye-io/sockeye/bench/child"
	"github.com/sockeye-io/sockeye/bench/load"
)

// most is the share of the CPU time that garbage collection may take.
const most = 0.10

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	sockeye := flag.String("sockeye", "bin/sockeye", "the program")
	measure := flag.Duration("measure", 10*time.Second, "how long to measure")
	flag.Parse()
	work := load.Work{Kind: load.Fanout, Clients: 500, Window: 32, Measure: *measure}
	share, r, err := run(ctx, *sockeye, work)
	if err == nil && r.Failure() != "" {
		err = errors.New(r.Failure())
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "gcshare:", err)
		os.Exit(2)
	}
	fmt.Printf("%d deliveries in %s: %.1f %% of the CPU time in garbage collection (at most %.0f %%)\n",
		r.Delivered, r.Elapsed.Round(time.Millisecond), 100*share, 100*most)
	if share > most {
		os.Exit(2)
	}
}

// run starts the program, puts it to work, and returns how much of the CPU time that it
// needed meanwhile was the garbage collector's.
func run(ctx context.Context, sockeye string, work load.Work) (share float64, r *load.Result, err error) {
	if sockeye, err = filepath.Abs(sockeye); err != nil {
		return 0, nil, err
	}
	metrics, err := freeAddress(ctx)
	if err != nil {
		return 0, nil, err
	}
	c, err := child.Start(ctx, sockeye, "serve", "--listen", "127.0.0.1:0", "--event-rate", "off", "--byte-rate", "off", "--metrics-listen", metrics)
	if err != nil {
		return 0, nil, err
	}
	defer func() { err = errors.Join(err, c.Stop()) }()
	before, err := classes(ctx, metrics)
	if err != nil {
		return 0, nil, err
	}
	if r, err = load.Run(ctx, c.Target, work); err != nil {
		return 0, nil, err
	}
	after, err := classes(ctx, metrics)
	if err != nil {
		return 0, nil, err
	}
	gc := after["gc_total"] - before["gc_total"]
	used := after["total"] - before["total"] - (after["idle"] - before["idle"])
	if used <= 0 {
		return 0, nil, errors.New("no garbage was collected: measure longer")
	}
	return gc / used, r, nil
}

func freeAddress(ctx context.Context) (string, error) {
	var lc net.ListenConfig
	ln, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return ln.Addr().String(), ln.Close()
}

// classes returns the CPU seconds of each class.
func classes(ctx context.Context, address string) (map[string]float64, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+"/metrics", http.NoBody)
	if err != nil {
		return nil, err
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	out := map[string]float64{}
	for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
		name, value, _ := strings.Cut(lines.Text(), " ")
		class, ok := strings.CutPrefix(name, "go_cpu_classes_")
		if !ok {
			continue
		}
		seconds, err := strconv.ParseFloat(value, 64)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		out[strings.TrimSuffix(class, "_cpu_seconds_total")] = seconds
	}
	if len(out) != 4 {
		return nil, fmt.Errorf("the metrics at %s have %d classes of CPU time, not 4", address, len(out))
	}
	return out, nil
}
