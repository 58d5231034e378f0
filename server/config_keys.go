package server

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// unknownKeys walks a YAML value beside the Go type it will be decoded into,
// and reports each key that the type has no field for, with the nearest one
// that it has. path is where in the file the walk is, for the message.
func unknownKeys(file string, n *yaml.Node, t reflect.Type, path string) []error {
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	for t.Kind() == reflect.Pointer {
		if t.Implements(reflect.TypeFor[yaml.Unmarshaler]()) {
			return nil // the type reads and judges its own value
		}
		t = t.Elem()
	}
	if reflect.PointerTo(t).Implements(reflect.TypeFor[yaml.Unmarshaler]()) {
		return nil
	}
	var errs []error
	switch {
	case n.Kind == yaml.SequenceNode && (t.Kind() == reflect.Slice || t.Kind() == reflect.Array):
		for i, c := range n.Content {
			errs = append(errs, unknownKeys(file, c, t.Elem(), fmt.Sprintf("%s[%d]", path, i))...)
		}
	case n.Kind == yaml.MappingNode && t.Kind() == reflect.Map:
		for i := 0; i+1 < len(n.Content); i += 2 {
			errs = append(errs, unknownKeys(file, n.Content[i+1], t.Elem(), path+"."+n.Content[i].Value)...)
		}
	case n.Kind == yaml.MappingNode && t.Kind() == reflect.Struct:
		fields := yamlFields(t)
		names := make([]string, 0, len(fields))
		for name := range fields {
			names = append(names, name)
		}
		for i := 0; i+1 < len(n.Content); i += 2 {
			key := n.Content[i]
			field, known := fields[key.Value]
			switch {
			case known:
				errs = append(errs, unknownKeys(file, n.Content[i+1], field, path+"."+key.Value)...)
			case len(names) == 0:
				errs = append(errs, fmt.Errorf("%s:%d: unknown key %q: %s has no keys", file, key.Line, key.Value, path))
			default:
				errs = append(errs, fmt.Errorf("%s:%d: unknown key %q in %s%s", file, key.Line, key.Value, path, Instead(key.Value, names)))
			}
		}
	}
	return errs
}

// yamlFields maps the keys of a struct, as package yaml names them, to the
// types of their fields.
func yamlFields(t reflect.Type) map[string]reflect.Type {
	fields := make(map[string]reflect.Type)
	for i := range t.NumField() {
		f := t.Field(i)
		name, options, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		switch {
		case !f.IsExported() || name == "-":
		case strings.Contains(options, "inline") && f.Type.Kind() == reflect.Struct:
			for k, v := range yamlFields(f.Type) {
				fields[k] = v
			}
		case name == "":
			fields[strings.ToLower(f.Name)] = f.Type
		default:
			fields[name] = f.Type
		}
	}
	return fields
}

// Nearest returns the candidate with the least edit distance to name, or "" where none is so
// near that it could be a slip: two thirds of the longer one have to be right. An equal
// distance goes to the alphabetically first, so that messages are stable.
func Nearest(name string, candidates []string) string {
	best, bestDistance := "", 1<<30
	for _, c := range candidates {
		d := editDistance(strings.ToLower(name), strings.ToLower(c))
		if d <= max(len(name), len(c))/3 && (d < bestDistance || d == bestDistance && c < best) {
			best, bestDistance = c, d
		}
	}
	return best
}

// guess is the end of a message about an unknown name: the nearest one that is known, or
// nothing.
func guess(name string, known []string) string {
	if near := Nearest(name, known); near != "" {
		return fmt.Sprintf(": did you mean %q?", near)
	}
	return ""
}

// Instead is the end of a message about an unknown name: the nearest one that is known, or
// all where none is near.
func Instead(name string, known []string) string {
	if near := guess(name, known); near != "" {
		return near
	}
	return ": write one of " + strings.Join(slices.Sorted(slices.Values(known)), ", ")
}

// editDistance counts insertions, deletions and replacements of bytes, and swaps of two
// neighbours (optimal string alignment).
func editDistance(a, b string) int {
	table := make([][]int, len(a)+1) // of the first i bytes of a and the first j of b
	for i := range table {
		table[i] = make([]int, len(b)+1)
		table[i][0] = i
	}
	for j := range table[0] {
		table[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			table[i][j] = min(table[i-1][j-1]+cost, table[i-1][j]+1, table[i][j-1]+1)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				table[i][j] = min(table[i][j], table[i-2][j-2]+1)
			}
		}
	}
	return table[len(a)][len(b)]
}
