package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/sockeye-io/sockeye/bench/child"
	"github.com/sockeye-io/sockeye/bench/process"
)

// openFiles is what the largest row needs, here and in a server.
const openFiles = 16_384

// measureTimeout bounds one repetition of one row.
const measureTimeout = 5 * time.Minute

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	clean, err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	if err != nil {
		fmt.Fprintln(os.Stderr, "ways:", err)
		os.Exit(1)
	}
	if !clean {
		os.Exit(2)
	}
}

// options are the flags.
type options struct {
	row     string
	out     string
	sockeye string
	reps    int
	quick   bool
	strict  bool
}

func parse(args []string) (options, error) {
	var o options
	f := flag.NewFlagSet("ways", flag.ContinueOnError)
	f.StringVar(&o.row, "row", "", "only these rows, comma-separated `names`")
	f.StringVar(&o.out, "out", "", "write the table to this `file` too")
	f.StringVar(&o.sockeye, "sockeye", filepath.Join("bin", "sockeye"), "Sockeye's binary, from the top of the repository")
	f.IntVar(&o.reps, "reps", 0, "repetitions; 0 is 3, or 1 with -quick")
	f.BoolVar(&o.quick, "quick", false, "small sizes and short times: to see that it works, not to quote")
	f.BoolVar(&o.strict, "strict", false, "fail when a goal is missed, too, which a busy machine may be the reason of")
	if err := f.Parse(args); err != nil {
		return o, err
	}
	if f.NArg() > 0 {
		return o, fmt.Errorf("unexpected argument %q", f.Arg(0))
	}
	if o.reps == 0 {
		o.reps = 3
		if o.quick {
			o.reps = 1
		}
	}
	return o, nil
}

// run reports whether nothing was lost. A missed goal counts with -strict only: this may be
// a busy machine.
func run(ctx context.Context, args []string, out, progress io.Writer) (bool, error) {
	o, err := parse(args)
	if err != nil {
		return false, err
	}
	chosen, err := rows(o.row)
	if err != nil {
		return false, err
	}
	if err := process.RaiseFileLimit(openFiles); err != nil {
		return false, err
	}
	if !filepath.IsAbs(o.sockeye) {
		root, err := child.Repository()
		if err != nil {
			return false, err
		}
		o.sockeye = filepath.Join(root, o.sockeye)
	}
	if _, err := os.Stat(o.sockeye); err != nil {
		return false, fmt.Errorf("%w: run `make build` first, or name the binary with -sockeye", err)
	}
	rep := newReport(o)
	for _, r := range chosen {
		if err := rep.repeat(ctx, r, progress); err != nil {
			return false, err
		}
	}
	text := rep.markdown()
	if _, err := io.WriteString(out, text); err != nil {
		return false, err
	}
	if o.out != "" {
		err = os.WriteFile(o.out, []byte(text), 0o644)
	}
	return rep.clean() && (!o.strict || rep.reached()), err
}

// repeat measures a row as often as the options say. Its only error is the context's: a
// row that fails is in the report.
func (rep *report) repeat(ctx context.Context, r *row, progress io.Writer) error {
	t := &table{row: r}
	rep.tables = append(rep.tables, t)
	for i := range rep.reps {
		started := time.Now()
		res, err := once(ctx, r, rep.sockeye, rep.quick)
		if err := ctx.Err(); err != nil {
			return err
		}
		text := fmt.Sprintf("%d figures", len(res.figures))
		if err != nil {
			res.lose("%v", err)
		}
		for _, lost := range res.losses {
			text += ", FAILED: " + lost
		}
		t.runs = append(t.runs, res)
		_, _ = fmt.Fprintf(progress, "%s %d/%d: %s, after %v\n", r.name, i+1, rep.reps, text, time.Since(started).Round(100*time.Millisecond))
	}
	return nil
}

// once measures a row once. There is a result in any case.
func once(ctx context.Context, r *row, sockeye string, quick bool) (res *result, err error) {
	dir, err := os.MkdirTemp("", "sockeye-ways-")
	if err != nil {
		return &result{}, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	ctx, cancel := context.WithTimeout(ctx, measureTimeout)
	defer cancel()
	l := &lab{quick: quick, sockeye: sockeye, dir: dir}
	res, err = r.measure(ctx, l)
	if res == nil {
		res = &result{}
	}
	return res, errors.Join(err, l.end())
}
