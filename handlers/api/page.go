package api

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"html/template"
	"net/http"
	"strings"

	"github.com/gin-gonic/gin"
	"go.yaml.in/yaml/v3"
)

// What the page is made of. The style is a file of the site's.
//
//go:embed page.html
var pageText string

// mountPages adds the document, and the page that is made of it.
func (a *API) mountPages(r gin.IRouter) {
	for path, file := range map[string]struct {
		kind string
		body []byte
	}{
		"/api":              {"text/html; charset=utf-8", a.page},
		"/api/":             {"text/html; charset=utf-8", a.page},
		"/api/openapi.yaml": {"application/yaml", Document},
	} {
		r.Any(path, func(c *gin.Context) {
			h := c.Writer.Header()
			h.Set("X-Content-Type-Options", "nosniff")
			if a.opts.PageHeader != nil {
				a.opts.PageHeader(h)
			}
			if c.Request.Method != http.MethodGet && c.Request.Method != http.MethodHead {
				h.Set("Allow", "GET, HEAD")
				http.Error(c.Writer, "method not allowed", http.StatusMethodNotAllowed)
				return
			}
			a.opts.Origins.SetHeaders(h, c.Request)
			h.Set("Cache-Control", "no-cache")
			c.Data(http.StatusOK, file.kind, file.body)
		})
	}
}

// group are the operations of a tag.
type group struct {
	Name, Description string
	Operations        []shown
}

// shown is an operation as the page has it.
type shown struct {
	Method, Path string
	described
	Parameters []field
	Body       []field
	Lines      bool // of NDJSON may be sent, too
	Example    string
	Answer     []field
	Answers    []outcome
}

// outcome is one status that an operation may be answered with.
type outcome struct {
	Status, Description string
	Codes               []string
}

// makePage makes the page of the document, with links to others.
func makePage(navigation string) ([]byte, error) {
	d, err := readDocument()
	if err != nil {
		return nil, err
	}
	t, err := template.New("page").Funcs(template.FuncMap{"prose": prose, "paragraphs": paragraphs}).Parse(pageText)
	if err != nil {
		return nil, fmt.Errorf("api: page.html: %w", err)
	}
	view := struct {
		*document
		Groups     []group
		Navigation template.HTML
	}{document: d, Navigation: template.HTML(navigation)} //nolint:gosec // it is the server's own
	for _, tag := range d.Tags {
		g := group{Name: tag.Name, Description: strings.TrimSuffix(tag.Description, ".")} // a heading
		for _, path := range d.Paths {
			for method, op := range path.Value {
				if len(op.Tags) == 0 || op.Tags[0] != tag.Name {
					continue
				}
				one, err := d.show(method, path.Name, op)
				if err != nil {
					return nil, err
				}
				g.Operations = append(g.Operations, one)
			}
		}
		view.Groups = append(view.Groups, g)
	}
	var out bytes.Buffer
	if err := t.Execute(&out, view); err != nil {
		return nil, fmt.Errorf("api: page.html: %w", err)
	}
	return out.Bytes(), nil
}

// show gathers what the page says of an operation.
func (d *document) show(method, path string, op *described) (shown, error) {
	s := shown{Method: strings.ToUpper(method), Path: Prefix + path, described: *op}
	for _, p := range op.Parameters {
		p = d.parameter(p)
		f := d.field(p.Name, p.Schema, p.Required)
		f.Description = p.Description
		s.Parameters = append(s.Parameters, f)
	}
	for _, m := range op.RequestBody.Content {
		if m.Name != typeJSON {
			s.Lines = true
			continue
		}
		s.Body = d.fields(m.Value.Schema)
		example, err := jsonOf(&m.Value.Example)
		if err != nil {
			return shown{}, fmt.Errorf("api: the example of %s: %w", op.ID, err)
		}
		s.Example = fmt.Sprintf("curl \"$SOCKEYE_URL%s\" -H \"Authorization: Bearer $SOCKEYE_KEY\" \\\n  -H 'Content-Type: application/json' \\\n  -d '%s'", strings.ReplaceAll(s.Path, "{device}", "boiler-1"), example)
	}
	if s.Method == http.MethodGet {
		room := ""
		for _, f := range s.Parameters {
			if f.Name == "room" {
				room = "?room=news"
			}
		}
		s.Example = fmt.Sprintf("curl \"$SOCKEYE_URL%s%s\" -H \"Authorization: Bearer $SOCKEYE_KEY\"", s.Path, room)
	}
	for _, r := range op.Responses {
		to := d.response(r.Value)
		s.Answers = append(s.Answers, outcome{r.Name, to.Description, to.Codes})
		for _, m := range to.Content {
			if m.Name == typeJSON {
				s.Answer = d.fields(m.Value.Schema)
			}
		}
	}
	return s, nil
}

// jsonOf writes a value of YAML as JSON, in the order in which it is written.
func jsonOf(n *yaml.Node) (string, error) {
	switch n.Kind {
	case yaml.MappingNode:
		var parts []string
		for i := 0; i+1 < len(n.Content); i += 2 {
			value, err := jsonOf(n.Content[i+1])
			if err != nil {
				return "", err
			}
			parts = append(parts, fmt.Sprintf("%q: %s", n.Content[i].Value, value))
		}
		return "{" + strings.Join(parts, ", ") + "}", nil
	case yaml.SequenceNode:
		var parts []string
		for _, one := range n.Content {
			value, err := jsonOf(one)
			if err != nil {
				return "", err
			}
			parts = append(parts, value)
		}
		return "[" + strings.Join(parts, ", ") + "]", nil
	default:
		var v any
		if err := n.Decode(&v); err != nil {
			return "", err
		}
		text, err := json.Marshal(v)
		return string(text), err
	}
}

// prose is a text in which `this` is code.
func prose(text string) template.HTML {
	var b strings.Builder
	for i, part := range strings.Split(strings.TrimSpace(text), "`") {
		part = template.HTMLEscapeString(part)
		if i%2 == 1 {
			part = "<code>" + part + "</code>"
		}
		b.WriteString(part)
	}
	return template.HTML(b.String()) //nolint:gosec // every part is escaped
}

func paragraphs(text string) []string { return strings.Split(strings.TrimSpace(text), "\n\n") }
