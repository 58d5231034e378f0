package docs_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/format"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// preamble are the names that a fragment may use without declaring them.
const preamble = `
var (
	ctx     context.Context
	io      *socketio.Server
	ns      *socketio.Namespace
	parent  *socketio.ParentNamespace
	socket  *socketio.Socket
	e       *socketio.Event
	args    socketio.Args
	remote  *socketio.RemoteSocket
	options *socketio.Options
	router  *gin.Engine
	handler socketio.Handler
	people  *presence.Presence
	mine    auth.Authenticator
	hub     *redisstreams.Hub
	err     error

	serveClient http.Handler
)
`

// imports are the packages that a fragment may use without importing them.
var imports = map[string]string{
	"context": "context", "errors": "errors", "fmt": "fmt", "http": "net/http", "slog": "log/slog",
	"regexp": "regexp", "strings": "strings", "time": "time", "log": "log", "url": "net/url",
	"gin":      "github.com/gin-gonic/gin",
	"engineio": module + "/server/engineio",
	"limit":    module + "/server/limit",
	"socketio": module + "/server/socketio",
	"memory":   module + "/adapters/memory",
	"presence": module + "/server/presence",
	"auth":     module + "/server/auth",
	"token":    module + "/server/auth/token",
	"doors":    module + "/server/doors",

	"redisclient":  module + "/adapters/redisclient",
	"redisstreams": module + "/adapters/redisstreams",
	"redisnodes":   module + "/adapters/redisnodes",
	"carry":        module + "/server/carry",
	"nodes":        module + "/server/nodes",
	"origin":       module + "/server/origin",
	"chat":         module + "/handlers/chat",
	"relay":        module + "/handlers/relay",

	"notifications": module + "/handlers/notifications",
}

const module = "github.com/sockeye-io/sockeye"

// virtual is the folder, which does not exist, that the snippets are compiled in.
const virtual = "docs/snippets"

// TestEveryGoSnippetCompiles compiles each block marked go, and each code span in
// a table's column headed Go, in one run of the compiler. Whole programs and
// declarations are packages of their own; the rest are fragments in one package,
// each the body of a function.
func TestEveryGoSnippetCompiles(t *testing.T) {
	t.Parallel()
	files := map[string][]byte{"fragments/preamble.go": fileOf(t, "fragments", preamble, "preamble")}
	count := 0
	for _, p := range pages(t) {
		for _, b := range p.blocks("go") {
			name, text := snippet(t, b, count)
			files[name] = text
			count++
		}
		for _, r := range p.rows("Go") {
			for _, span := range codeSpans(r.cells["Go"]) {
				name, text := snippet(t, block{page: p.path, line: r.line, text: span + "\n"}, count)
				files[name] = text
				count++
			}
		}
	}
	if count < 100 {
		t.Errorf("only %d snippets were found: are the tables still headed Go?", count)
	}
	compile(t, files)
}

// snippet turns a block into a file of its own.
func snippet(t *testing.T, b block, n int) (name string, text []byte) {
	t.Helper()
	where := fmt.Sprintf("%s:%d", b.page, b.line)
	if strings.HasPrefix(b.text, "package ") {
		return fmt.Sprintf("program%03d/program.go", n), []byte("//line " + where + "\n" + b.text)
	}
	if declares(b.text) {
		text := "\n//line " + where + "\n" + b.text
		return fmt.Sprintf("declared%03d/declared.go", n), fileOf(t, "declared", text, where)
	}
	if x, err := parser.ParseExpr(b.text); err == nil && !isCall(x) {
		b.text = "_ = " + b.text
	}
	body := "func _() {\n//line " + where + "\n" + b.text + useAll(t, b.text, where) + "}\n"
	return fmt.Sprintf("fragments/fragment%03d.go", n), fileOf(t, "fragments", body, where)
}

// declares reports whether a text stands at the top of a file: functions, types.
func declares(text string) bool {
	f, err := parser.ParseFile(token.NewFileSet(), "", "package p\n"+text, parser.SkipObjectResolution)
	return err == nil && slices.ContainsFunc(f.Decls, func(d ast.Decl) bool {
		g, ok := d.(*ast.GenDecl)
		return !ok || g.Tok != token.VAR
	})
}

// useAll uses the variables that a fragment declares, so that it may show how
// something is got without doing anything with it.
func useAll(t *testing.T, body, where string) string {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), where, "package p\nfunc _() {\n"+body+"\n}", parser.SkipObjectResolution)
	if err != nil {
		t.Errorf("%s: %v\n%s", where, err, body)
		return ""
	}
	var uses strings.Builder
	use := func(x ast.Expr) {
		if id, ok := x.(*ast.Ident); ok && id.Name != "_" {
			uses.WriteString("_ = " + id.Name + "\n")
		}
	}
	for _, s := range f.Decls[0].(*ast.FuncDecl).Body.List {
		switch s := s.(type) {
		case *ast.AssignStmt:
			if s.Tok == token.DEFINE {
				for _, left := range s.Lhs {
					use(left)
				}
			}
		case *ast.DeclStmt:
			ast.Inspect(s, func(n ast.Node) bool {
				if v, ok := n.(*ast.ValueSpec); ok {
					for _, id := range v.Names {
						use(id)
					}
				}
				return true
			})
		}
	}
	return uses.String()
}

func isCall(x ast.Expr) bool {
	_, ok := x.(*ast.CallExpr)
	return ok
}

// fileOf adds the package clause and the imports that a text needs.
func fileOf(t *testing.T, pkg, text, where string) []byte {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), where, "package p\n"+text, 0)
	if err != nil {
		t.Errorf("%s: %v\n%s", where, err, text)
		return []byte("package " + pkg + "\n")
	}
	var needed []string
	ast.Inspect(f, func(n ast.Node) bool {
		if s, ok := n.(*ast.SelectorExpr); ok {
			if id, ok := s.X.(*ast.Ident); ok && id.Obj == nil && imports[id.Name] != "" {
				needed = append(needed, fmt.Sprintf("import %q\n", imports[id.Name]))
			}
		}
		return true
	})
	slices.Sort(needed)
	return []byte("package " + pkg + "\n" + strings.Join(slices.Compact(needed), "") + text)
}

// compile builds files that exist only in an overlay of the module.
func compile(t *testing.T, files map[string][]byte) {
	t.Helper()
	top, err := filepath.Abs(root)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	overlay := struct{ Replace map[string]string }{make(map[string]string)}
	packages := make(map[string]bool)
	for name, text := range files {
		file := filepath.Join(dir, strings.ReplaceAll(name, "/", "_"))
		if err := os.WriteFile(file, text, 0o600); err != nil {
			t.Fatal(err)
		}
		overlay.Replace[filepath.Join(top, virtual, name)] = file
		packages["./"+filepath.ToSlash(filepath.Join(virtual, filepath.Dir(name)))] = true
	}
	list, err := json.Marshal(overlay)
	if err != nil {
		t.Fatal(err)
	}
	overlayFile := filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(overlayFile, list, 0o600); err != nil {
		t.Fatal(err)
	}
	args := []string{"build", "-trimpath", "-overlay", overlayFile, "-gcflags=-e", "-o", os.DevNull}
	for p := range packages {
		args = append(args, p)
	}
	cmd := exec.CommandContext(t.Context(), "go", args...)
	cmd.Dir = top
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0") // as make build does, whose compiled packages it finds again
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("the snippets do not compile: %v\n%s", err, out)
	}
}

// TestGoSnippetsAreFormatted holds blocks to gofmt. Indentation by tabs is what
// readers paste.
func TestGoSnippetsAreFormatted(t *testing.T) {
	t.Parallel()
	for _, p := range pages(t) {
		for _, b := range p.blocks("go") {
			want, err := format.Source([]byte(b.text))
			if err != nil {
				t.Errorf("%s:%d: %v", b.page, b.line, err)
				continue
			}
			if !bytes.Equal(bytes.TrimSpace(want), bytes.TrimSpace([]byte(b.text))) {
				t.Errorf("%s:%d: not as gofmt writes it; want\n%s", b.page, b.line, want)
			}
		}
	}
}
