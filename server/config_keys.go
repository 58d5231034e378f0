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
				errs = append(errs, fmt.Errorf("%s:%d: unknown key %q in %s: %s", file, key.Line, key.Value, path, instead(key.Value, names)))
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

// Nearest returns the candidate with the least edit distance to name; an equal
// distance goes to the alphabetically first, so that messages are stable.
func Nearest(name string, candidates []string) string {
	best, bestDistance := "", 1<<30
	for _, c := range candidates {
		d := editDistance(strings.ToLower(name), strings.ToLower(c))
		if d < bestDistance || d == bestDistance && c < best {
			best, bestDistance = c, d
		}
	}
	return best
}

// instead says what may stand in the place of an unknown name: the nearest one, or all
// where nothing is like it.
func instead(name string, known []string) string {
	best := Nearest(name, known)
	if editDistance(strings.ToLower(name), strings.ToLower(best)) < max(len(name), len(best)) {
		return fmt.Sprintf("did you mean %q?", best)
	}
	return "write one of " + strings.Join(slices.Sorted(slices.Values(known)), ", ")
}

// editDistance counts insertions, deletions and replacements of bytes
// (Levenshtein), with one row of the table in memory.
func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, diagonal+1)
		}
	}
	return row[len(b)]
}
