package docs_test

import (
	"bytes"
	"go/ast"
	"go/format"
	"go/parser"
	"go/token"
	"slices"
	"strings"
	"testing"
)

// TestPagesShowTheCompiledExamples compares blocks of Go with the bodies of Example
// functions that the package's own tests compile and run.
func TestPagesShowTheCompiledExamples(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ page, file, name string }{
		{"README.md", "server/socketio/example_test.go", "Example_gin"},
		{"docs/moving-from-zishang520.md", "server/socketio/example_moving_test.go", "Example_moving"},
	} {
		want := exampleBody(t, c.file, c.name)
		if !slices.ContainsFunc(readPage(t, c.page).blocks("go"), func(b block) bool { return strings.TrimSpace(b.text) == want }) {
			t.Errorf("%s has no Go block equal to %s of %s, which is\n%s", c.page, c.name, c.file, want)
		}
	}
}

// exampleBody returns the statements of a function above its line "// Output:" or
// "// shown above", as gofmt writes them outside of it.
func exampleBody(t *testing.T, path, name string) string {
	t.Helper()
	p := readPage(t, path)
	fset := token.NewFileSet()
	f, err := parser.ParseFile(fset, path, p.text(), parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range f.Decls {
		fn, ok := d.(*ast.FuncDecl)
		if !ok || fn.Name.Name != name {
			continue
		}
		body := p.text()[fset.Position(fn.Body.Lbrace).Offset+1 : fset.Position(fn.Body.Rbrace).Offset]
		body, _, _ = strings.Cut(body, "\n\n\t// README ends here")
		out, err := format.Source([]byte(body))
		if err != nil {
			t.Fatal(err)
		}
		return string(bytes.TrimSpace(dedent(out)))
	}
	t.Fatalf("%s has no %s", path, name)
	return ""
}

func dedent(b []byte) []byte {
	lines := bytes.Split(b, []byte("\n"))
	for i := range lines {
		lines[i] = bytes.TrimPrefix(lines[i], []byte("\t"))
	}
	return bytes.Join(lines, []byte("\n"))
}
