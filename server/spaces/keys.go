package spaces

import (
	"cmp"
	"errors"
	"fmt"
	"iter"
	"regexp"
	"slices"
	"strings"
)

// Exact reports whether a key stands for one namespace, and not for a pattern of them.
func Exact(key string) bool { return strings.HasPrefix(key, "/") && !strings.Contains(key, "*") }

// Sorted lists keys in the order in which they are tried.
func Sorted(keys iter.Seq[string]) []string {
	list := slices.Sorted(keys)
	slices.SortStableFunc(list, func(a, b string) int {
		return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(len(b), len(a)))
	})
	return list
}

func rank(key string) int {
	switch {
	case Exact(key):
		return 0
	case strings.HasPrefix(key, "/"):
		return 1
	default:
		return 2
	}
}

// Compile turns a key into the expression that its namespaces match. The error says what
// to write instead.
func Compile(key string) (*regexp.Regexp, error) {
	switch {
	case key == "":
		return nil, errors.New("a namespace needs a name; the main one is \"/\"")
	case strings.HasPrefix(key, "/"):
		parts := strings.Split(key, "*")
		for i := range parts {
			parts[i] = regexp.QuoteMeta(parts[i])
		}
		return regexp.Compile("^" + strings.Join(parts, "[^/]+") + "$")
	case !strings.HasPrefix(key, "^"):
		return nil, fmt.Errorf("a namespace begins with a slash; write %q", "/"+key)
	case !strings.HasSuffix(key, "$"):
		return nil, errors.New("an expression ends in $, so that it fits whole names only")
	}
	re, err := regexp.Compile(key)
	if err != nil {
		return nil, fmt.Errorf("not a regular expression: %w", err)
	}
	return re, nil
}
