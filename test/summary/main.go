package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
)

func main() {
	allow := flag.String("allow", "", "file with the names of tests that may skip, one a line")
	tests := flag.Bool("tests", false, "print a line for each test too")
	flag.Parse()
	allowed, err := readAllowed(*allow)
	if err == nil {
		s := &summary{allowed: allowed, perTest: *tests, output: make(map[string][]string)}
		err = s.read(os.Stdin, os.Stdout)
	}
	if err != nil {
		fmt.Println("FAIL:", err)
		os.Exit(1)
	}
}

// event is a line of `go test -json` (go doc test2json).
type event struct {
	Action      string
	Package     string
	ImportPath  string // of build output
	Test        string
	Elapsed     float64 // seconds
	Output      string
	FailedBuild string
}

type summary struct {
	allowed []string
	perTest bool

	output                            map[string][]string // by package and test, until it ends
	packages, passed, failed, skipped int
	failedNames, unexpectedSkips      []string
}

func (s *summary) read(in io.Reader, out io.Writer) error {
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, 64<<20)
	for lines.Scan() {
		var e event
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			fmt.Fprintln(out, lines.Text()) // from go itself, not from a test
			continue
		}
		s.take(e, out)
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("reading the output of go test: %w", err)
	}
	return s.total(out)
}

func (s *summary) take(e event, out io.Writer) {
	key := e.Package + " " + e.Test
	switch e.Action {
	case "output":
		s.output[key] = append(s.output[key], e.Output)
	case "build-output":
		fmt.Fprint(out, e.Output)
	case "pass", "fail", "skip":
		if e.Test == "" {
			s.packageEnded(e, out)
		} else {
			s.testEnded(e, out)
		}
		delete(s.output, key)
	}
}

func (s *summary) testEnded(e event, out io.Writer) {
	key := e.Package + " " + e.Test
	switch e.Action {
	case "pass":
		s.passed++
	case "fail":
		s.failed++
		s.failedNames = append(s.failedNames, key)
		fmt.Fprintf(out, "%s", strings.Join(s.output[key], ""))
	case "skip":
		s.skipped++
		if !slices.Contains(s.allowed, e.Test) {
			s.unexpectedSkips = append(s.unexpectedSkips, key)
		}
		fmt.Fprintf(out, "%s", strings.Join(s.output[key], ""))
	}
	if s.perTest {
		for _, line := range s.output[key] {
			if e.Action == "pass" && !strings.HasPrefix(line, "=== ") {
				fmt.Fprint(out, line)
			}
		}
	}
}

func (s *summary) packageEnded(e event, out io.Writer) {
	text := s.output[e.Package+" "]
	switch e.Action {
	case "fail":
		s.packages++
		s.failedNames = append(s.failedNames, e.Package)
		for key, lines := range s.output { // tests that were running when a panic or the time-out came
			if strings.HasPrefix(key, e.Package+" ") && key != e.Package+" " {
				fmt.Fprint(out, strings.Join(lines, ""))
				delete(s.output, key)
			}
		}
		fmt.Fprint(out, strings.Join(text, ""))
	case "pass":
		s.packages++
		for _, line := range text {
			if strings.HasPrefix(line, "ok ") {
				fmt.Fprint(out, line)
			}
		}
	case "skip": // no test files
	}
}

func (s *summary) total(out io.Writer) error {
	fmt.Fprintf(out, "Go: %d packages, %d tests passed, %d failed, %d skipped\n", s.packages, s.passed, s.failed, s.skipped)
	var errs []error
	for _, name := range s.failedNames {
		errs = append(errs, fmt.Errorf("%s failed", name))
	}
	for _, name := range s.unexpectedSkips {
		errs = append(errs, fmt.Errorf("%s skipped, and test/allowed-skips.txt does not allow it", name))
	}
	if s.packages == 0 {
		errs = append(errs, errors.New("no package was tested"))
	}
	if len(errs) == 0 {
		fmt.Fprintln(out, "PASS")
	}
	return errors.Join(errs...)
}

func readAllowed(name string) ([]string, error) {
	if name == "" {
		return nil, nil
	}
	text, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("the list of allowed skips: %w", err)
	}
	var names []string
	for line := range strings.Lines(string(text)) {
		name, _, _ := strings.Cut(line, "#")
		if name = strings.TrimSpace(name); name != "" {
			names = append(names, name)
		}
	}
	return names, nil
}
