package main

import (
	"io"
	"strings"
	"testing"
)

// TestMistakesOnTheCommandLineAreNamed: an unknown flag was once said to be meant as itself, as
// the flags of all commands were guessed from, and guesses had no bound.
func TestMistakesOnTheCommandLineAreNamed(t *testing.T) {
	for line, want := range map[string]string{
		"--pingintervall 3s":     "unknown flag --pingintervall: did you mean --ping-interval?",
		"--no-annonymous":        "unknown flag --no-annonymous: did you mean --no-anonymous?",
		"bench --clint 3":        "unknown flag --clint: did you mean --clients?",
		"--clint 3":              "unknown flag --clint", // nothing of serve is near
		"--addr x":               "unknown flag --addr",
		"-listen x":              "unknown flag -l: all but -h have two dashes",
		"bench --config x url":   `unknown flag --config here: it is a flag of "sockeye serve" and others`,
		"bench --no-api url":     `unknown flag --no-api here: it is a flag of "sockeye serve" and others`,
		"bench --for 1s":         `unknown flag --for here: it is a flag of "sockeye key create" and others`,
		"serve --clients 3":      `unknown flag --clients here: it is a flag of "sockeye bench"`,
		"--clients 3 bench url":  `unknown flag --clients here: it is a flag of "sockeye bench"`,
		"config --listen x":      `unknown flag --listen here: it is a flag of "sockeye config print" and others`,
		"--listen":               "--listen: a value is missing",
		"--listen --path /":      "--listen: a value is missing",
		"--listen -abc":          "--listen: a value is missing; if it is -abc, write --listen=-abc",
		"--max-connections -3":   `--max-connections: "-3" is no limit: write a whole number from 1 to 2147483647, or off`,
		"--ping-interval -x":     "--ping-interval: a value is missing; if it is -x, write --ping-interval=-x",
		"config print --pprof=7": `--pprof: bool value must be true, 1, yes, false, 0 or no but got "7"`,
	} {
		var stderr strings.Builder
		status := run(t.Context(), strings.Fields(line), io.Discard, &stderr)
		if said, _, _ := strings.Cut(stderr.String(), "\n"); status != 2 || said != "sockeye: "+want {
			t.Errorf("%s: status %d: %q, want %q", line, status, said, want)
		}
	}
	var stderr strings.Builder
	const want = "--ping-interval: -3s is not above zero"
	if status := run(t.Context(), []string{"--ping-interval", "-3s"}, io.Discard, &stderr); status != 1 || !strings.Contains(stderr.String(), want) {
		t.Errorf("a negative duration: status %d: %q, want %q", status, &stderr, want)
	}
}

// TestUnknownVariablesNameTheNearest, but none that is only like them in what all begin with.
func TestUnknownVariablesNameTheNearest(t *testing.T) {
	err := unknownVariables([]string{"SOCKEYE_LISTNE=x", "SOCKEYE_ADDR=x", "SOCKEYE_CONFIG=x", "SOCKEYE_KEY=x", "OTHER=x"})
	const want = "unknown environment variable SOCKEYE_LISTNE: did you mean SOCKEYE_LISTEN?\nunknown environment variable SOCKEYE_ADDR"
	if err == nil || err.Error() != want {
		t.Errorf("got %v\nwant %s", err, want)
	}
}
