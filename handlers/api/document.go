package api

import (
	_ "embed"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Document is the OpenAPI 3.1 document of the API.
//
//go:embed openapi.yaml
var Document []byte

// document is what the page shows of Document, with references followed.
type document struct {
	Info struct {
		Title, Summary, Description string
	}
	Servers []struct{ URL string }
	Tags    []struct{ Name, Description string }
	Paths   ordered[map[string]*described]

	Components struct {
		Parameters map[string]*parameter
		Schemas    map[string]*schema
		Responses  map[string]*response
	}
}

// ordered is a mapping in the order in which it is written.
type ordered[T any] []named[T]

type named[T any] struct {
	Name  string
	Value T
}

// UnmarshalYAML keeps the order.
func (o *ordered[T]) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind != yaml.MappingNode {
		return fmt.Errorf("line %d: not a mapping", n.Line)
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		var v T
		if err := n.Content[i+1].Decode(&v); err != nil {
			return err
		}
		*o = append(*o, named[T]{n.Content[i].Value, v})
	}
	return nil
}

// described is one operation.
type described struct {
	ID                   string `yaml:"operationId"`
	Summary, Description string
	Tags                 []string
	Scope                string `yaml:"x-scope"`
	Parameters           []*parameter
	RequestBody          struct {
		Content ordered[media]
	} `yaml:"requestBody"`
	Responses ordered[*response]
}

// media is a body of one type.
type media struct {
	Schema  *schema
	Example yaml.Node
}

type parameter struct {
	Ref               string `yaml:"$ref"`
	Name, Description string
	Required          bool
	Schema            *schema
}

type response struct {
	Ref         string `yaml:"$ref"`
	Description string
	Codes       []string `yaml:"x-codes"`
	Content     ordered[media]
}

type schema struct {
	Ref              string `yaml:"$ref"`
	Description      string
	Type             stringOrList
	Const, Default   any
	Minimum, Maximum *int64
	MaxLength        *int64 `yaml:"maxLength"`
	Properties       ordered[*schema]
	Required         []string
	Items            *schema
	AllOf            []*schema `yaml:"allOf"`
	OneOf            []*schema `yaml:"oneOf"`
}

// stringOrList is a type, or several.
type stringOrList []string

func (s *stringOrList) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind == yaml.ScalarNode {
		*s = stringOrList{n.Value}
		return nil
	}
	return n.Decode((*[]string)(s))
}

// readDocument reads Document.
func readDocument() (*document, error) {
	var d document
	if err := yaml.Unmarshal(Document, &d); err != nil {
		return nil, fmt.Errorf("api: openapi.yaml: %w", err)
	}
	return &d, nil
}

// resolved follows a reference. What stands beside it counts before what it leads to.
func (d *document) resolved(s *schema) *schema {
	if s == nil || s.Ref == "" {
		return s
	}
	to := d.Components.Schemas[s.Ref[strings.LastIndexByte(s.Ref, '/')+1:]]
	if to == nil {
		return s
	}
	r := *d.resolved(to)
	if s.Description != "" {
		r.Description = s.Description
	}
	return &r
}

func (d *document) parameter(p *parameter) *parameter {
	if to := d.Components.Parameters[p.Ref[strings.LastIndexByte(p.Ref, '/')+1:]]; to != nil {
		return to
	}
	return p
}

func (d *document) response(r *response) *response {
	if to := d.Components.Responses[r.Ref[strings.LastIndexByte(r.Ref, '/')+1:]]; to != nil {
		return to
	}
	return r
}

// field is one member of an object, or a parameter, as the page shows it.
type field struct {
	Name, Kind, Description string
	Required                bool
	Fields                  []field // of an object inside
}

// fields lists the members of an object.
func (d *document) fields(s *schema) []field {
	s = d.resolved(s)
	if s == nil {
		return nil
	}
	var out []field
	for _, part := range s.AllOf {
		out = append(out, d.fields(part)...)
	}
	for _, part := range s.OneOf { // the first says what the others are lists of
		return append(out, d.fields(part)...)
	}
	for _, p := range s.Properties {
		out = append(out, d.field(p.Name, p.Value, slices.Contains(s.Required, p.Name)))
	}
	return out
}

func (d *document) field(name string, s *schema, required bool) field {
	s = d.resolved(s)
	f := field{Name: name, Kind: d.kind(s), Description: s.Description, Required: required}
	inside := s
	if s.Items != nil {
		inside = d.resolved(s.Items)
	}
	f.Fields = d.fields(inside)
	return f
}

// kind says in words what a value is.
func (d *document) kind(s *schema) string {
	var text string
	switch {
	case s.Const != nil:
		text = fmt.Sprint(s.Const)
	case len(s.Type) == 1 && s.Type[0] == "array" && s.Items != nil:
		text = "array of " + d.kind(d.resolved(s.Items))
	case len(s.Type) > 0:
		text = strings.Join(s.Type, " or ")
	default:
		text = "any JSON"
	}
	if s.Minimum != nil && s.Maximum != nil {
		text += " from " + strconv.FormatInt(*s.Minimum, 10) + " to " + strconv.FormatInt(*s.Maximum, 10)
	}
	if s.MaxLength != nil {
		text += " of at most " + strconv.FormatInt(*s.MaxLength, 10) + " characters"
	}
	if s.Default != nil {
		text += fmt.Sprintf(", else %v", s.Default)
	}
	return text
}
