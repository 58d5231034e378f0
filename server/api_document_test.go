package server

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"

	"github.com/sockeye-io/sockeye/handlers/api"
)

// contract is the OpenAPI document as a test reads it, and what a test has seen of it.
type contract struct {
	t        *testing.T
	compiler *jsonschema.Compiler
	ops      map[string]contractOp // by "POST /emit"
	codes    map[string][]string   // of each shared response
	seen     map[string]bool       // "POST /emit 200", "BadRequest bad_request"
}

type contractOp struct {
	Responses map[string]struct {
		Ref     string `json:"$ref"`
		Content map[string]any
	}
	RequestBody struct {
		Content map[string]struct{ Example any }
	}
}

const documentURL = "https://sockeye.test/openapi.yaml"

func readContract(t *testing.T) *contract {
	t.Helper()
	var tree any
	if err := yaml.Unmarshal(api.Document, &tree); err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(tree)
	if err != nil {
		t.Fatal(err)
	}
	resource, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	c := &contract{t: t, compiler: jsonschema.NewCompiler(), ops: make(map[string]contractOp), codes: make(map[string][]string), seen: make(map[string]bool)}
	c.compiler.DefaultDraft(jsonschema.Draft2020) // what OpenAPI 3.1 is made of
	if err := c.compiler.AddResource(documentURL, resource); err != nil {
		t.Fatal(err)
	}
	var d struct {
		OpenAPI    string
		Paths      map[string]map[string]contractOp
		Components struct {
			Responses map[string]struct {
				Codes []string `json:"x-codes"`
			}
		}
	}
	if err := json.Unmarshal(text, &d); err != nil {
		t.Fatal(err)
	}
	if d.OpenAPI != "3.1.0" {
		t.Errorf("the document is of OpenAPI %s", d.OpenAPI)
	}
	for path, methods := range d.Paths {
		for method, op := range methods {
			c.ops[strings.ToUpper(method)+" "+path] = op
		}
	}
	for name, r := range d.Components.Responses {
		c.codes[name] = r.Codes
	}
	return c
}

// escaped writes a name as a part of a JSON Pointer in a URL.
func escaped(name string) string { return strings.NewReplacer("~", "~0", "/", "~1").Replace(name) }

// answer checks an answer against the document, and notes that it was seen.
func (c *contract) answer(op string, res *http.Response, body string) {
	c.t.Helper()
	method, path, _ := strings.Cut(op, " ")
	status := fmt.Sprint(res.StatusCode)
	documented, ok := c.ops[op].Responses[status]
	if !ok {
		c.t.Errorf("%s answered %s, which is not in the document: %s", op, status, body)
		return
	}
	c.seen[op+" "+status] = true
	kind := res.Header.Get("Content-Type")
	pointer := "/paths/" + escaped(path) + "/" + strings.ToLower(method) + "/responses/" + status + "/content/" + escaped(kind) + "/schema"
	name := documented.Ref[strings.LastIndexByte(documented.Ref, '/')+1:]
	if name != "" {
		pointer = "/components/responses/" + name + "/content/" + escaped(kind) + "/schema"
	}
	s, err := c.compiler.Compile(documentURL + "#" + pointer)
	if err != nil {
		c.t.Fatalf("%s %s as %s: %v", op, status, kind, err)
	}
	got, err := jsonschema.UnmarshalJSON(strings.NewReader(body))
	if err != nil {
		c.t.Fatalf("%s %s: %v: %s", op, status, err, body)
	}
	if err := s.Validate(got); err != nil {
		c.t.Errorf("%s %s: %v: %s", op, status, err, body)
	}
	if code := codeOf(body); name != "" {
		c.seen[name+" "+code] = true
		if !slices.Contains(c.codes[name], code) {
			c.t.Errorf("%s %s has the code %q, which is not in the document", op, status, code)
		}
	}
}

// codeOf is the code of a problem.
func codeOf(body string) string {
	var p struct{ Error struct{ Code string } }
	_ = json.Unmarshal([]byte(body), &p) // then there is none
	return p.Error.Code
}

// whole complains of what is in the document and was not seen.
func (c *contract) whole() {
	c.t.Helper()
	for op, o := range c.ops {
		for status := range o.Responses {
			if !c.seen[op+" "+status] {
				c.t.Errorf("nothing was answered with %s %s", op, status)
			}
		}
	}
	for name, codes := range c.codes {
		for _, code := range codes {
			if !c.seen[name+" "+code] {
				c.t.Errorf("no %s had the code %s", name, code)
			}
		}
	}
}

func (c *contract) sorted() []string { return slices.Sorted(maps.Keys(c.ops)) }

// ask sends a request to the HTTP API.
func (r *running) ask(t *testing.T, op, token, body string, header ...string) (*http.Response, string) {
	t.Helper()
	method, path, _ := strings.Cut(strings.ReplaceAll(op, "{device}", "boiler-1"), " ")
	var sent io.Reader
	if method == http.MethodPost {
		sent = strings.NewReader(body)
	}
	req, err := http.NewRequestWithContext(t.Context(), method, r.url+api.Prefix+path, sent)
	if err != nil {
		t.Fatal(err)
	}
	if method == http.MethodPost {
		req.Header.Set("Content-Type", "application/json")
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	res, err := r.client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res, string(text)
}
