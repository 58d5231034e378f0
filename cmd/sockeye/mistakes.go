package main

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/sockeye-io/sockeye/server"
)

var (
	longFlag = regexp.MustCompile(`^--[a-z][a-z0-9-]*$`)
	negative = regexp.MustCompile(`^-[.0-9]`)
)

// joinNegatives joins a negative number to the flag before it. Kong would take it for a flag of
// one letter; so that the flag's own check speaks of it, it is written as one word.
func joinNegatives(args []string) []string {
	var joined []string
	for i, arg := range args {
		if i > 0 && negative.MatchString(arg) && longFlag.MatchString(args[i-1]) {
			joined[len(joined)-1] += "=" + arg
			continue
		}
		joined = append(joined, arg)
	}
	return joined
}

var noValue = regexp.MustCompile(`^(--[a-z0-9-]+): (?:expected \S+ value but got "(EOL|-[^"]*)"|missing value)`)

// missingValue makes the error of a flag at the end of the line, or before another
// flag, say so in words.
func missingValue(err error) error {
	var bad *kong.ParseError
	match := noValue.FindStringSubmatch(err.Error())
	if match == nil || !errors.As(err, &bad) {
		return err
	}
	flag, next := match[1], match[2]
	if strings.HasPrefix(next, "-") && !strings.HasPrefix(next, "--") {
		return fmt.Errorf("%s: a value is missing; if it is %s, write %s=%s%w", flag, next, flag, next, silent{bad})
	}
	return fmt.Errorf("%s: a value is missing%w", flag, silent{bad})
}

var unknown = regexp.MustCompile(`^unknown flag (--?)([^, =]*)`)

// unknownFlag makes the error of an unknown flag say which command has it, or else which
// flag of this command is nearly called so.
func unknownFlag(k *kong.Kong, err error) error {
	var bad *kong.ParseError
	match := unknown.FindStringSubmatch(err.Error())
	if match == nil || !errors.As(err, &bad) {
		return err
	}
	dashes, name := match[1], match[2]
	command := bad.Context.Selected()
	if command == nil {
		command = k.Model.DefaultCmd
	}
	hint := ""
	if dashes == "-" {
		hint = ": all but -h have two dashes"
	} else if owner := ownerOf(k, command, name); owner != "" {
		hint = " here: it is a flag of " + owner
	} else if near := server.Nearest(name, flagNames(command)); near != "" {
		hint = ": did you mean --" + near + "?"
	}
	return fmt.Errorf("unknown flag %s%s%s%w", dashes, name, hint, silent{bad})
}

// ownerOf names the first command that has a flag, one below the command if there is any, and
// says whether others have it too.
func ownerOf(k *kong.Kong, command *kong.Node, name string) string {
	var owner *kong.Node
	for _, leaf := range append(command.Leaves(false), k.Model.Leaves(false)...) {
		switch {
		case leaf == owner || !slices.Contains(flagNames(leaf), name):
		case owner == nil:
			owner = leaf
		default:
			return fmt.Sprintf("%q and others", owner.FullPath())
		}
	}
	if owner == nil {
		return ""
	}
	return fmt.Sprintf("%q", owner.FullPath())
}

// flagNames returns what a command's flags are called, without dashes.
func flagNames(command *kong.Node) []string {
	var names []string
	for _, level := range command.AllFlags(false) {
		for _, flag := range level {
			names = append(names, flag.Name)
			if flag.Tag.Negatable != "" {
				names = append(names, "no-"+flag.Name)
			}
		}
	}
	return names
}

// silent keeps an error in the chain without repeating its text.
type silent struct{ error }

func (silent) Error() string   { return "" }
func (s silent) Unwrap() error { return s.error }

// injected are variables that Kubernetes and Docker links set for a service
// called sockeye, and SOCKEYE_BIN, which names the program to this project's
// tests; they are nobody's typing error.
var injected = regexp.MustCompile(`_(BIN|SERVICE_HOST|SERVICE_PORT(_.*)?|PORT(_\d+_(TCP|UDP).*)?|ENV_.*|NAME)$`)

// clients are variables of programs that ask a server: where it is, and with which key. The
// pages of the HTTP API export them, and the demo's devices read them; a server that is
// started in the same shell has no use for them.
var clients = []string{server.EnvPrefix + "_URL", server.EnvPrefix + "_KEY"}

// unknownVariables refuses SOCKEYE_ variables that no option has.
func unknownVariables(environ []string) error {
	const prefix = server.EnvPrefix + "_"
	known := []string{"CONFIG"} // all without the prefix, which would make any two alike
	for _, o := range server.Options() {
		name := strings.TrimPrefix(server.EnvName(o.Name), prefix)
		known = append(known, name, name+fileSuffix)
	}
	var errs []error
	for _, variable := range environ {
		variable, _, _ = strings.Cut(variable, "=")
		name, ours := strings.CutPrefix(variable, prefix)
		if !ours || slices.Contains(known, name) || slices.Contains(clients, variable) || injected.MatchString(variable) {
			continue
		}
		hint := ""
		if near := server.Nearest(name, known); near != "" {
			hint = ": did you mean " + prefix + near + "?"
		}
		errs = append(errs, fmt.Errorf("unknown environment variable %s%s", variable, hint))
	}
	return errors.Join(errs...)
}
