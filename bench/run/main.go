package main

import (
	"context"
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
	out     string
	from    string
	dryRun  bool
}

func parse(args []string) (options, error) {
	var o options
	f := flag.NewFlagSet("bench", flag.ContinueOnError)
	f.StringVar(&o.profile, "profile", "full", "what to measure: full, quick, carried, growth or peers")
	f.StringVar(&o.servers, "servers", "", "comma-separated `names` instead of the profile's: "+strings.Join(serverNames, ", "))
	f.StringVar(&o.rows, "rows", "", "only the rows whose key matches this `regexp`")
	f.BoolVar(&o.contract, "contract", false, "check with the official client that the servers keep the relay contract, and measure nothing")
	f.IntVar(&o.reps, "reps", 0, "repetitions instead of the profile's")
	f.StringVar(&o.sockeye, "sockeye", filepath.Join("bin", "sockeye"), "Sockeye's binary, from the top of the repository")
	f.StringVar(&o.out, "out", "", "write page, pictures and results into this `folder`")
	f.StringVar(&o.from, "from", "", "measure nothing: take the results from this `file`, which -out wrote")
	f.BoolVar(&o.dryRun, "dry-run", false, "print what would be done, and how long it would take")
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
	if o.from != "" {
		b, err := os.ReadFile(o.from)
		if err != nil {
			return false, err
		}
		rep, err := unmarshal(b)
		if err != nil {
			return false, fmt.Errorf("%s: %w", o.from, err)
		}
		return rep.clean(), publish(rep, o, out, progress)
	}
	p, err := o.plan()
	if err != nil {
		return false, err
	}
	return o.measure(ctx, p, out, progress)
}

// measure prepares the servers, executes the plan and publishes what came out.
func (o options) measure(ctx context.Context, p *plan, out, progress io.Writer) (bool, error) {
	if err := process.RaiseFileLimit(p.files()); err != nil {
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
	if o.dryRun {
		return true, p.tell(out)
	}
	_, _ = fmt.Fprintf(progress, "%d runs, about %v\n", p.runs(), p.expected().Round(time.Second))
	rep := newReport(p)
	if err := p.execute(ctx, rep, progress); err != nil {
		return false, err
	}
	rep.Took = time.Since(rep.Started).Round(time.Second).String()
	return rep.clean(), publish(rep, o, out, progress)
}

// plan is the profile with what the flags change in it.
func (o options) plan() (*plan, error) {
	p, err := profile(o.profile)
	if err != nil {
		return nil, err
	}
	if o.servers != "" {
		p.names, p.guests = strings.Split(o.servers, ","), nil // who is asked for does everything
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

// publish prints the page, or with -out writes it into a folder with its pictures and the
// results that both are made of.
func publish(rep *report, o options, out, progress io.Writer) error {
	text := rep.markdown()
	if line := rep.line(); line != "" {
		_, _ = fmt.Fprintln(progress, line)
	}
	if o.out == "" {
		_, err := io.WriteString(out, text)
		return err
	}
	if err := os.MkdirAll(o.out, 0o755); err != nil { // #nosec G301 -- for everybody
		return err
	}
	results, err := rep.marshal()
	if err != nil {
		return err
	}
	data := strings.TrimSuffix(rep.plan.page, ".md") + ".json"
	if rep.plan.page == "README.md" {
		data = "results.json"
	}
	files := map[string][]byte{rep.plan.page: []byte(text), data: results}
	for _, pic := range rep.drawings() {
		if files[pic.file], err = pic.chart.SVG(); err != nil {
			return err
		}
	}
	for name, b := range files {
		if err := os.WriteFile(filepath.Join(o.out, name), b, 0o644); err != nil { // #nosec G306 -- for everybody
			return err
		}
	}
	_, err = fmt.Fprintf(progress, "written to %s\n", filepath.Join(o.out, rep.plan.page))
	return err
}
