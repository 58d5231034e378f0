package docs_test

import (
	"bytes"
	"go/ast"
	"go/format"
	"go/parser"
	"go/token"
	"strings"
	"testing"
)

// TestREADMEShowsTheCompiledExample compares the Gin example of README.md with the
// body of the Example function that the package's own tests compile and run.
func TestREADMEShowsTheCompiledExample(t *testing.T) {
	t.Parallel()
	const file, name = "server/socketio/example_test.go", "Example_gin"
	want := exampleBody(t, file, name)
	blocks := readPage(t, "README.md").blocks("go")
	for _, b := range blocks {
		if strings.TrimSpace(b.text) == want {
			return
		}
	}
	t.Errorf("README.md has no Go block equal to %s of %s, which is\n%s", name, file, want)
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
