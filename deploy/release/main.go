package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/sockeye-io/sockeye/public"
)

// sums is the file of checksums, which sha256sum --check reads.
const sums = "SHA256SUMS"

// targets are the systems and processors that archives are made for.
var targets = []string{
	"darwin/amd64", "darwin/arm64",
	"linux/amd64", "linux/arm64",
	"windows/amd64", "windows/arm64",
}

// release is one run.
type release struct {
	version string
	date    time.Time // of every file in the archives
	root    string    // the top of the repository
	out     string    // the folder for the archives
	goTool  string
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "release:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, w io.Writer) error {
	flags := flag.NewFlagSet("release", flag.ContinueOnError)
	version := flags.String("version", "dev", "the version: part of the names of files, and what the program says of itself")
	epoch := flags.Int64("epoch", 0, "the date of every file in the archives, in seconds since 1970; years before 1980 count as 1980")
	root := flags.String("root", ".", "the top of the repository")
	out := flags.String("out", "dist", "the folder for the archives")
	goTool := flags.String("go", "go", "the go command")
	list := flags.String("targets", strings.Join(targets, ","), "system/processor, comma-separated")
	if err := flags.Parse(args); err != nil {
		return err
	}
	date := time.Unix(*epoch, 0).UTC()
	if earliest := time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC); date.Before(earliest) { // zip knows no earlier ones
		date = earliest
	}
	_, complete := public.Client()
	r := &release{version: *version, date: date, root: *root, out: *out, goTool: *goTool}
	return r.make(ctx, strings.Split(*list, ","), complete, w)
}

var versionPattern = regexp.MustCompile(`^[0-9A-Za-z][0-9A-Za-z.+-]*$`)

// make writes an archive for each target, and the checksums of all. complete says
// whether the browser client is there.
func (r *release) make(ctx context.Context, list []string, complete bool, w io.Writer) error {
	if !complete {
		return errors.New("the browser client is not in public/client: install Node.js and npm, then make client")
	}
	if !versionPattern.MatchString(r.version) {
		return fmt.Errorf("the version %q cannot be part of a file's name: use letters, digits, dots, + and -", r.version)
	}
	if err := os.MkdirAll(r.out, 0o755); err != nil { //nolint:gosec // what is released is for everybody
		return err
	}
	slices.Sort(list)
	var lines strings.Builder
	for _, target := range list {
		if !slices.Contains(targets, target) {
			return fmt.Errorf("the target %q is none of %s", target, strings.Join(targets, ", "))
		}
		goos, goarch, _ := strings.Cut(target, "/")
		name, err := r.archive(ctx, goos, goarch)
		if err != nil {
			return fmt.Errorf("%s: %w", target, err)
		}
		data, err := os.ReadFile(filepath.Join(r.out, name)) //nolint:gosec // just written
		if err != nil {
			return err
		}
		fmt.Fprintf(&lines, "%x  %s\n", sha256.Sum256(data), name)
		if _, err := fmt.Fprintf(w, "%s, %.1f MB\n", filepath.Join(r.out, name), float64(len(data))/1e6); err != nil {
			return err
		}
	}
	return os.WriteFile(filepath.Join(r.out, sums), []byte(lines.String()), 0o644) //nolint:gosec // for everybody
}

// archive builds the program for one target and packs it. It returns the name of
// the archive.
func (r *release) archive(ctx context.Context, goos, goarch string) (string, error) {
	folder, err := os.MkdirTemp("", "sockeye-release")
	if err != nil {
		return "", err
	}
	defer func() { _ = os.RemoveAll(folder) }() // a temporary folder
	program := "sockeye"
	if goos == "windows" {
		program += ".exe"
	}
	_, err = r.gocommand(ctx, goos, goarch, "build", "-trimpath", "-buildvcs=false",
		"-ldflags", "-s -w -X main.release="+r.version, "-o", filepath.Join(folder, program), "./cmd/sockeye")
	if err != nil {
		return "", err
	}
	notices, err := r.notices(ctx, goos, goarch)
	if err != nil {
		return "", err
	}
	files := []packed{{name: program, path: filepath.Join(folder, program), mode: 0o755}}
	for _, name := range papers {
		text, err := r.paper(name)
		if err != nil {
			return "", err
		}
		files = append(files, packed{name: name, text: text, mode: 0o644})
	}
	files = append(files, packed{name: "THIRD-PARTY-LICENSES.txt", text: notices, mode: 0o644})
	if goos == "linux" {
		for _, name := range []string{"sockeye.service", "sockeye.env"} {
			files = append(files, packed{name: name, path: filepath.Join(r.root, "deploy", "systemd", name), mode: 0o644})
		}
	}
	top := fmt.Sprintf("sockeye-%s-%s-%s", r.version, goos, goarch)
	write, name := writeTar, top+".tar.gz"
	if goos == "windows" {
		write, name = writeZip, top+".zip"
	}
	return name, r.pack(filepath.Join(r.out, name), top, files, write)
}

// gocommand runs the go command for a target. What the environment says of
// processors, flags and experiments does not count: it would change the bytes.
func (r *release) gocommand(ctx context.Context, goos, goarch string, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, r.goTool, args...) //nolint:gosec // the caller names the go command
	cmd.Dir = r.root
	cmd.Env = append(cmd.Environ(), "GOOS="+goos, "GOARCH="+goarch, "CGO_ENABLED=0",
		"GOFLAGS=", "GOEXPERIMENT=", "GOAMD64=v1", "GOARM64=v8.0")
	var problems strings.Builder
	cmd.Stderr = &problems
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go %s: %w\n%s", args[0], err, &problems)
	}
	return out, nil
}
