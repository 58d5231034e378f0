package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"time"

	"github.com/sockeye-io/sockeye/bench/child"
	"github.com/sockeye-io/sockeye/bench/process"
)

// openFiles is what the largest work needs in the generator and in a server.
const openFiles = 8192

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	clean, err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
	if !clean {
		os.Exit(2)
	}
}

// options are the flags.
type options struct {
	profile string
	servers string
	rows    string
	// contract checks the relay contract and measures nothing.
	contract bool

	reps    int
	sockeye string
	json    string
	out     string
}

func parse(args []string) (options, error) {
	var o options
	f := flag.NewFlagSet("bench", flag.ContinueOnError)
	f.StringVar(&o.profile, "profile", "full", "full, quick, carried or peers")
	f.StringVar(&o.servers, "servers", "", "comma-separated `names` instead of the profile's: "+strings.Join(serverNames, ", "))
	f.StringVar(&o.rows, "rows", "", "only the rows whose key matches this `regexp`")
	f.BoolVar(&o.contract, "contract", false, "check with the official client that the servers keep the relay contract, and measure nothing")
	f.IntVar(&o.reps, "reps", 0, "repetitions instead of the profile's")
	f.StringVar(&o.sockeye, "sockeye", filepath.Join("bin", "sockeye"), "Sockeye's binary, from the top of the repository")
	f.StringVar(&o.json, "json", "", "write every result to this `file`")
	f.StringVar(&o.out, "out", "", "write the table to this `file` too")
	if err := f.Parse(args); err != nil {
		return o, err
	}
	if f.NArg() > 0 {
		return o, fmt.Errorf("unexpected argument %q", f.Arg(0))
	}
	return o, nil
}

// run reports whether Sockeye, where it took part, lost nothing and failed
// nowhere. A missed goal does not count: this may be a busy machine.
func run(ctx context.Context, args []string, out, progress io.Writer) (bool, error) {
	o, err := parse(args)
	if err != nil {
		return false, err
	}
	p, err := o.plan()
	if err != nil {
		return false, err
	}
	if err := process.RaiseFileLimit(openFiles); err != nil {
		return false, err
	}
	root, err := child.Repository()
	if err != nil {
		return false, err
	}
	tmp, err := os.MkdirTemp("", "sockeye-bench-")
	if err != nil {
		return false, err
	}
	defer func() { _ = os.RemoveAll(tmp) }()
	if p.servers, p.absent, err = prepare(ctx, p.names, root, tmp, o.sockeye, progress); err != nil {
		return false, err
	}
	if o.contract {
		return workshop{root: root, progress: progress}.contract(ctx, p, out)
	}
	if _, err := exec.LookPath(redisServer); err != nil {
		p.alone(progress)
	}
	rep := newReport(p)
	if err := p.execute(ctx, rep, progress); err != nil {
		return false, err
	}
	return rep.clean(), publish(rep, o, out)
}

// plan is the profile with what the flags change in it.
func (o options) plan() (*plan, error) {
	p, err := profile(o.profile)
	if err != nil {
		return nil, err
	}
	if o.servers != "" {
		p.names = strings.Split(o.servers, ",")
	}
	if o.reps > 0 {
		p.reps = o.reps
	}
	if o.rows != "" {
		match, err := regexp.Compile(o.rows)
		if err != nil {
			return nil, fmt.Errorf("-rows: %w", err)
		}
		p.keep(match)
	}
	if len(p.rows)+len(p.guarantees) == 0 {
		return nil, fmt.Errorf("no row matches %q", o.rows)
	}
	return p, nil
}

func publish(rep *report, o options, out io.Writer) error {
	rep.Took = time.Since(rep.Started).Round(time.Second).String()
	text := rep.markdown()
	if _, err := io.WriteString(out, text); err != nil {
		return err
	}
	if o.out != "" {
		if err := os.WriteFile(o.out, []byte(text), 0o644); err != nil {
			return err
		}
	}
	if o.json == "" {
		return nil
	}
	b, err := json.MarshalIndent(rep, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(o.json, append(b, '\n'), 0o644)
}
