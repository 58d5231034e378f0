package main

import (
	"errors"
	"fmt"

	"github.com/alecthomas/kong"
)

type configCommand struct {
	Print configPrintCommand `cmd:"" help:"Print the effective configuration as YAML, each option with unit, default and source."`
	Check configCheckCommand `cmd:"" help:"Check a YAML file, and the flags and variables beside it; the exit status is 0 if all is well."`
}

type configPrintCommand struct {
	options `embed:""`
}

// Run prints what serve would run with.
func (c *configPrintCommand) Run(s streams, ctx *kong.Context, file *fileResolver) error {
	if err := c.complete(ctx, file); err != nil {
		return err
	}
	return c.Config.WriteYAML(s.out, file.sources(ctx))
}

type configCheckCommand struct {
	File    string `arg:"" optional:"" configuration:"" help:"The file; --config works too."`
	options `embed:""`
}

// Run finds what parsing could not: values that do not fit each other.
func (c *configCheckCommand) Run(s streams, ctx *kong.Context, file *fileResolver) error {
	if file.file == nil {
		return errors.New("config check: name a file: sockeye config check sockeye.yaml")
	}
	if err := c.complete(ctx, file); err != nil {
		return err
	}
	name := c.File
	if name == "" {
		name = c.ConfigFile
	}
	_, err := fmt.Fprintf(s.out, "%s: ok\n", name)
	return err
}
