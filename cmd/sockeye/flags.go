package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/sockeye-io/sockeye/server"
)

// options are the flags of every command that has a configuration.
type options struct {
	ConfigFile string        `name:"config" type:"path" env:"SOCKEYE_CONFIG" unit:"file name" help:"YAML file with the options below as keys."`
	Config     server.Config `embed:""`
}

// complete adds what only the file can say and checks the whole. An error
// names the line of the file where the file is to blame, and the flag elsewhere.
func (o *options) complete(ctx *kong.Context, file *fileResolver) error {
	file.file.ApplyStructures(&o.Config)
	err := o.Config.Validate()
	if err == nil {
		return nil
	}
	source := file.sources(ctx)
	list := []error{err}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		list = joined.Unwrap()
	}
	for i, e := range list {
		var bad *server.OptionError
		if !errors.As(e, &bad) {
			list[i] = file.locate(e)
		} else if where := source(bad.Option); strings.Contains(where, ":") {
			list[i] = fmt.Errorf("%s: %s: %w", where, bad.Option, bad.Err)
		}
	}
	return errors.Join(list...)
}

// locate puts file and line before each line of an error about the file's
// structures, which begins with the path of a key.
func (f *fileResolver) locate(err error) error {
	lines := strings.Split(err.Error(), "\n")
	for i, line := range lines {
		if where := f.file.Locate(line); where != "" {
			lines[i] = where + ": " + line
		}
	}
	return errors.New(strings.Join(lines, "\n"))
}

// parse reads the command line, the environment and the file. Help and the
// like have been printed when it returns exitStatus(0).
func parse(args []string, stdout, stderr io.Writer) (*kong.Context, error) {
	file := &fileResolver{}
	groups := make([]kong.Group, len(server.Groups))
	for i, g := range server.Groups {
		groups[i] = kong.Group{Key: g.Key, Title: g.Title + ":"}
	}
	exited := errors.New("help was printed")
	k, err := kong.New(&program{},
		kong.Name("sockeye"),
		kong.Description("Sockeye is a realtime server that existing Socket.IO frontends use unchanged. "+
			"Options come from flags, SOCKEYE_* environment variables and a YAML file, in this order of precedence."),
		kong.Writers(stdout, stderr),
		kong.Exit(func(int) { panic(exited) }),
		kong.PostBuild(nameVariables),
		kong.ExplicitGroups(groups),
		kong.Resolvers(file),
		kong.Bind(file),
		kong.ValueFormatter(describe),
		kong.Help(help),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, WrapUpperBound: 100}),
	)
	if err != nil {
		return nil, err
	}
	ctx, err := parseOrExit(k, joinNegatives(args), exited)
	if err != nil {
		return nil, unknownFlag(k, missingValue(file.blame(err)))
	}
	return ctx, unknownVariables(os.Environ())
}

// parseOrExit turns kong's exit after --help into an error.
func parseOrExit(k *kong.Kong, args []string, exited error) (ctx *kong.Context, err error) {
	defer func() {
		if r := recover(); r != nil {
			if r != any(exited) {
				panic(r)
			}
			ctx, err = nil, exitStatus(0)
		}
	}()
	return k.Parse(args)
}

// nameVariables gives each option its variable; flags of one command have none. Kong's
// own names would split words at digits.
func nameVariables(k *kong.Kong) error {
	return kong.Visit(k.Model, func(node kong.Visitable, next kong.Next) error {
		if flag, ok := node.(*kong.Flag); ok && flag.Tag.Has("unit") {
			flag.Envs = []string{server.EnvName(flag.Name)}
			flag.Tag.Envs = flag.Envs
		}
		return next(nil)
	})
}

// help prints the help of a command; without one, the commands and all options
// of serve, which is the default.
func help(o kong.HelpOptions, ctx *kong.Context) error {
	o.FlagsLast = ctx.Selected() != nil && !ctx.Selected().Leaf() // its commands are what is looked for
	if err := kong.DefaultHelpPrinter(o, ctx); err != nil || ctx.Selected() != nil {
		return err
	}
	serve, err := kong.Trace(ctx.Kong, []string{"serve"})
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintln(ctx.Stdout); err != nil {
		return err
	}
	return kong.DefaultHelpPrinter(o, serve)
}

// describe is the help of a flag with its unit, default and variable.
func describe(v *kong.Value) string {
	unit := v.Tag.Get("unit")
	if unit == "" {
		return v.Help
	}
	def := v.Default
	if def == "" {
		def = "none"
	}
	if len(v.Tag.Envs) == 0 {
		return fmt.Sprintf("%s Unit: %s. Default: %s.", v.Help, unit, def)
	}
	return fmt.Sprintf("%s Unit: %s. Default: %s. $%s", v.Help, unit, def, strings.Join(v.Tag.Envs, ", $"))
}

// fileResolver gives kong the values of the YAML file for flags that neither
// the command line nor the environment has set, and those of the files that
// variables name. It reads the YAML file when it is first asked, because the
// file's name is a flag itself.
type fileResolver struct {
	read bool
	file *server.ConfigFile
	err  error
}

var _ kong.Resolver = (*fileResolver)(nil)

func (f *fileResolver) Validate(*kong.Application) error { return nil }

func (f *fileResolver) Resolve(ctx *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
	if err := f.open(ctx); err != nil {
		return nil, err
	}
	variable := fromEnvironment(flag)
	if itself := strings.TrimSuffix(variable, fileSuffix); itself != variable && slices.Contains(flag.Envs, itself) {
		value, err := valueOfFile(itself)
		f.err = errors.Join(f.err, err)
		return value, err
	}
	if flag.Name == "config" || variable != "" {
		return nil, nil //nolint:nilnil // kong's way of saying "nothing from here"
	}
	text, _, ok := f.file.Lookup(flag.Name)
	if !ok {
		return nil, nil //nolint:nilnil // see above
	}
	return text, nil
}

// open reads the file named by --config, SOCKEYE_CONFIG or the argument of
// config check.
func (f *fileResolver) open(ctx *kong.Context) error {
	if f.read {
		return f.err
	}
	f.read = true
	name := os.Getenv("SOCKEYE_CONFIG")
	for _, p := range ctx.Path {
		if p.Flag != nil && p.Flag.Name == "config" || p.Positional != nil && p.Positional.Tag.Has("configuration") {
			name = ctx.Value(p).String()
		}
	}
	if name == "" {
		return nil
	}
	f.file, f.err = server.ReadConfigFile(name)
	return f.err
}

// blame returns the error of the file itself where kong has wrapped it as the
// error of some flag.
func (f *fileResolver) blame(err error) error {
	if f.err != nil {
		return f.err
	}
	return err
}

// fromEnvironment returns the name of the variable that sets the flag, or that
// names the file which does, if any.
func fromEnvironment(flag *kong.Flag) string {
	for _, name := range flag.Envs {
		if flag.Name != "config" && namesFile(name) {
			return name + fileSuffix
		}
		if _, set := os.LookupEnv(name); set {
			return name
		}
	}
	return ""
}

// sources says where each option's value came from.
func (f *fileResolver) sources(ctx *kong.Context) func(name string) string {
	from := make(map[string]string)
	for _, flag := range ctx.Flags() {
		from[flag.Name] = "default"
		if _, where, ok := f.file.Lookup(flag.Name); ok {
			from[flag.Name] = where
		}
		if variable := fromEnvironment(flag); variable != "" {
			from[flag.Name] = "environment " + variable
		}
	}
	for _, p := range ctx.Path {
		if p.Flag != nil && !p.Resolved {
			from[p.Flag.Name] = "flag"
		}
	}
	return func(name string) string { return from[name] }
}
