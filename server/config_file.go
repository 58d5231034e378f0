package server

import (
	"encoding"
	"errors"
	"fmt"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// ConfigFile is a YAML file that was read and found valid on its own: every
// key is known, every value has the form its option asks for.
type ConfigFile struct {
	path   string
	root   *yaml.Node           // the mapping; nil for an empty file
	values map[string]fileValue // by option name
	cfg    Config               // only what structures name
}

type fileValue struct {
	text string
	line int
}

// structure is a key of the file that no flag can express.
type structure struct {
	name, title string
	of          func(*Config) any // a pointer to its field
}

// structures are all of them. relay is an option too, for on and off.
var structures = []structure{
	{"relay", "The relay", func(c *Config) any { return &c.RelayConfig }},
	{"auth", "Who may do what", func(c *Config) any { return &c.Auth }},
	{"webhooks", "Webhooks, without the secrets that the file has", func(c *Config) any { return &c.Webhooks }},
	{"history", "Rooms whose history is kept", func(c *Config) any { return &c.History }},
	{"chat", "Chat", func(c *Config) any { return &c.Chat }},
	{"telemetry", "Telemetry", func(c *Config) any { return &c.Telemetry }},
	{"notifications", "Notifications", func(c *Config) any { return &c.Notifications }},
}

// ReadConfigFile reads a YAML file. The error lists everything that is wrong
// with it, one problem a line, each as file:line: what, and what to do.
func ReadConfigFile(path string) (*ConfigFile, error) {
	text, err := os.ReadFile(path) //nolint:gosec // the operator names the file
	if err != nil {
		return nil, fmt.Errorf("configuration file: %w", err)
	}
	f := &ConfigFile{path: path, values: make(map[string]fileValue)}
	var doc yaml.Node
	if err := yaml.Unmarshal(text, &doc); err != nil {
		return nil, fmt.Errorf("%s: %s", path, strings.TrimPrefix(err.Error(), "yaml: "))
	}
	if len(doc.Content) == 0 { // an empty file, or nothing but comments
		return f, nil
	}
	root := doc.Content[0]
	if root.Kind != yaml.MappingNode {
		return nil, fmt.Errorf("%s:%d: the file is no mapping: write lines such as \"listen: 127.0.0.1:3000\"", path, root.Line)
	}
	f.root = root
	var errs []error
	for i := 0; i+1 < len(root.Content); i += 2 {
		errs = append(errs, f.take(root.Content[i], root.Content[i+1])...)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return f, nil
}

// take reads one key with its value.
func (f *ConfigFile) take(key, value *yaml.Node) []error {
	name := key.Value
	i := slices.IndexFunc(structures, func(s structure) bool { return s.name == name })
	isStructure := i >= 0
	option, isOption := optionNamed(name)
	switch {
	case isStructure && (value.Kind == yaml.MappingNode || !isOption):
		return f.takeStructure(name, value, structures[i].of(&f.cfg))
	case !isOption:
		known := slices.Collect(func(yield func(string) bool) {
			for _, o := range Options() {
				if !yield(o.Name) {
					return
				}
			}
			for _, s := range structures {
				if !yield(s.name) {
					return
				}
			}
		})
		return []error{fmt.Errorf("%s:%d: unknown key %q%s", f.path, key.Line, name, guess(name, known))}
	}
	if first, twice := f.values[name]; twice {
		return []error{fmt.Errorf("%s:%d: %s is already set in line %d: remove one", f.path, key.Line, name, first.line)}
	}
	text, err := scalarText(value)
	if err == nil {
		err = option.check(text)
	}
	if err != nil {
		return []error{fmt.Errorf("%s:%d: %s: %w (unit: %s; default: %s)", f.path, value.Line, name, err, option.Unit, orNone(option.Default))}
	}
	f.values[name] = fileValue{text: text, line: key.Line}
	return nil
}

func (f *ConfigFile) takeStructure(name string, value *yaml.Node, target any) []error {
	if errs := unknownKeys(f.path, value, reflect.TypeOf(target), name); len(errs) > 0 {
		return errs
	}
	err := value.Decode(target)
	if err == nil {
		return nil
	}
	var typeErr *yaml.TypeError
	if !errors.As(err, &typeErr) {
		return []error{fmt.Errorf("%s:%d: %s: %w", f.path, value.Line, name, err)}
	}
	var errs []error
	for _, e := range typeErr.Errors { // each is "line N: what"
		line, what, _ := strings.Cut(strings.TrimPrefix(e, "line "), ": ")
		errs = append(errs, fmt.Errorf("%s:%s: %s: %s", f.path, line, name, wanted(what)))
	}
	return errs
}

var misfit = regexp.MustCompile("^cannot unmarshal !!\\S+(?: (`.*`))? into (\\S+)$")

// wanted says of a value of the wrong kind what should be there, where the YAML
// package names the Go type.
func wanted(what string) string {
	match := misfit.FindStringSubmatch(what)
	if match == nil {
		return what
	}
	found, kind := match[1], "keys of its own, each on a line below"
	if found == "" {
		found = "a structure"
	}
	switch goType := match[2]; {
	case goType == "time.Duration":
		kind = "a duration such as 500ms, 20s or 2m"
	case strings.HasPrefix(goType, "int"), strings.HasPrefix(goType, "uint"):
		kind = "a whole number"
	case strings.HasPrefix(goType, "float"):
		kind = "a number"
	case goType == "bool":
		kind = "true or false"
	case goType == "string":
		kind = "a text"
	case strings.HasPrefix(goType, "[]"):
		kind = "a list"
	}
	return found + " is not what belongs here: write " + kind
}

// scalarText is the text of a value as a flag would be given it; a list is
// joined with commas.
func scalarText(n *yaml.Node) (string, error) {
	switch n.Kind {
	case yaml.ScalarNode:
		if n.Tag == "!!null" {
			return "", nil
		}
		return n.Value, nil
	case yaml.SequenceNode:
		parts := make([]string, len(n.Content))
		for i, c := range n.Content {
			if c.Kind != yaml.ScalarNode {
				return "", errors.New("a list of plain values is needed")
			}
			parts[i] = c.Value
		}
		return strings.Join(parts, ","), nil
	case yaml.AliasNode:
		return scalarText(n.Alias)
	case yaml.DocumentNode, yaml.MappingNode:
	}
	return "", errors.New("a plain value is needed here, not a structure")
}

// Lookup returns what the file says for an option, and where ("file:line").
func (f *ConfigFile) Lookup(name string) (text, where string, ok bool) {
	if f == nil {
		return "", "", false
	}
	v, ok := f.values[name]
	return v.text, f.path + ":" + strconv.Itoa(v.line), ok
}

// Locate returns where in the file ("file:line") the value is that an error
// names as key.key["key"]..., or "" if it is not in the file. Where the path
// leads out of the file the last line that it did find counts.
func (f *ConfigFile) Locate(path string) string {
	if f == nil || f.root == nil {
		return ""
	}
	line := 0
	for n := f.root; n != nil; {
		var key string
		if key, path = nextKey(path); key == "" {
			break
		}
		var value *yaml.Node
		for i := 0; n.Kind == yaml.MappingNode && i+1 < len(n.Content); i += 2 {
			if n.Content[i].Value == key {
				line, value = n.Content[i].Line, n.Content[i+1]
			}
		}
		n = value
	}
	if line == 0 {
		return ""
	}
	return f.path + ":" + strconv.Itoa(line)
}

// nextKey takes the first key off a path such as relay.namespaces["/"].to.
func nextKey(path string) (key, rest string) {
	path = strings.TrimPrefix(path, ".")
	if quoted, err := strconv.QuotedPrefix(strings.TrimPrefix(path, "[")); err == nil && strings.HasPrefix(path, "[") {
		if key, err = strconv.Unquote(quoted); err == nil {
			return key, strings.TrimPrefix(path[1+len(quoted):], "]")
		}
	}
	end := strings.IndexAny(path, ".[: ")
	if end < 0 {
		return path, ""
	}
	return path[:end], path[end:]
}

// ApplyStructures copies what the file says of structures into c.
func (f *ConfigFile) ApplyStructures(c *Config) {
	if f == nil {
		return
	}
	for _, one := range structures {
		reflect.ValueOf(one.of(c)).Elem().Set(reflect.ValueOf(one.of(&f.cfg)).Elem())
	}
}

// Option describes one field of Config that is a flag.
type Option struct {
	Name, Help, Unit, Default, Group, Enum string

	index int
}

// Options lists all options in the order of Config.
func Options() []Option {
	t := reflect.TypeFor[Config]()
	var list []Option
	for i := range t.NumField() {
		tag := t.Field(i).Tag
		if tag.Get("name") == "" {
			continue
		}
		list = append(list, Option{
			Name: tag.Get("name"), Help: tag.Get("help"), Unit: tag.Get("unit"), Default: tag.Get("default"),
			Group: tag.Get("group"), Enum: tag.Get("enum"), index: i,
		})
	}
	return list
}

func optionNamed(name string) (Option, bool) {
	all := Options()
	i := slices.IndexFunc(all, func(o Option) bool { return o.Name == name })
	if i < 0 {
		return Option{}, false
	}
	return all[i], true
}

// check reports whether text is a value of the option, with the same grammar
// as the flag has.
func (o Option) check(text string) error {
	field := reflect.New(reflect.TypeFor[Config]().Field(o.index).Type)
	switch v := field.Interface().(type) {
	case encoding.TextUnmarshaler:
		return v.UnmarshalText([]byte(text))
	case *time.Duration:
		if _, err := time.ParseDuration(text); err != nil {
			return fmt.Errorf("%q is no duration: write a number and a unit, such as 500ms, 25s or 2m", text)
		}
	case *bool:
		if !slices.Contains([]string{"true", "false", "yes", "no", "1", "0"}, strings.ToLower(text)) {
			return fmt.Errorf("%q is neither true nor false", text)
		}
	case *string:
		if o.Enum != "" && !slices.Contains(strings.Split(o.Enum, ","), text) {
			return fmt.Errorf("%q is none of %s%s", text, o.Unit, guess(text, strings.Split(o.Enum, ",")))
		}
	}
	return nil
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}
