package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/alecthomas/kong"
)

// program is the command line: each field with a cmd tag is a command, and
// its Run method is in the file of its name.
type program struct {
	Serve    serveCommand    `cmd:"" default:"withargs" help:"Start the server (the default command)."`
	Version  versionCommand  `cmd:"" help:"Print the version."`
	Health   healthCommand   `cmd:"" help:"Ask a running server whether it is well; the exit status is 0 if it is."`
	Config   configCommand   `cmd:"" help:"Print or check the configuration."`
	Token    tokenCommand    `cmd:"" help:"Make a token for development, signed with the configured secret or private key."`
	Key      keyCommand      `cmd:"" help:"Make, list or revoke API keys."`
	Block    blockCommand    `cmd:"" help:"Block a user: it is disconnected and cannot come back."`
	Unblock  unblockCommand  `cmd:"" help:"Take a block back."`
	Comments commentsCommand `cmd:"" help:"Make and keep the sites whose pages have comments."`
	Bench    benchCommand    `cmd:"" help:"Try how fast a server is, and whether it loses anything: this one or any other with Socket.IO."`
	Demo     demoCommand     `cmd:"" help:"Act as somebody else, to have something to look at."`
	Blocks   blocksCommand   `cmd:"" help:"List who is blocked."`
}

// exitStatus ends the program with a status of its own, after the command has
// said all there is to say.
type exitStatus int

func (e exitStatus) Error() string { return fmt.Sprintf("exit status %d", int(e)) }

func main() {
	os.Exit(run(context.Background(), os.Args[1:], os.Stdout, os.Stderr))
}

// run is the whole program but for the process around it, so that tests can
// call it. The context ends it as a signal does.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	command, err := parse(args, stdout, stderr)
	if err == nil {
		err = command.Run(streams{ctx: ctx, out: stdout, err: stderr})
	}
	var status exitStatus
	var bad *kong.ParseError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &status):
		return int(status)
	case errors.As(err, &bad):
		complain(stderr, err)
		complain(stderr, fmt.Errorf("run \"%s --help\" for all options", commandOf(bad)))
		return 2
	default:
		complain(stderr, err)
		return 1
	}
}

// commandOf names the command whose line could not be read, as it is called; serve is
// called without its name, and its options are in the help of the whole.
func commandOf(bad *kong.ParseError) string {
	if node := bad.Context.Selected(); node != nil && node.Name != "serve" {
		return node.FullPath()
	}
	return "sockeye"
}

// complain prints each line of an error as one of this program.
func complain(w io.Writer, err error) {
	for line := range strings.Lines(err.Error()) {
		_, _ = fmt.Fprintf(w, "sockeye: %s\n", strings.TrimSuffix(line, "\n")) // there is nobody else to tell
	}
}
