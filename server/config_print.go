package server

import (
	"encoding"
	"fmt"
	"io"
	"reflect"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/sockeye-io/sockeye/adapters/redisclient"
)

// WriteYAML writes the effective configuration as a file that --config reads
// back. Each key has its unit, its default and, from the given function, where
// its value came from ("default", "flag", "environment SOCKEYE_PATH", "file.yaml:3").
// Secrets are left out, with a comment that says so.
func (c *Config) WriteYAML(w io.Writer, source func(name string) string) error {
	var b strings.Builder
	b.WriteString("# Sockeye's configuration: flags win over SOCKEYE_* variables, those over this file.\n")
	group := ""
	for _, o := range Options() {
		if o.Group != group {
			group = o.Group
			fmt.Fprintf(&b, "\n# %s\n", groupTitle(group))
		}
		if o.Name == "relay" && c.Relay == "on" && !reflect.ValueOf(c.RelayConfig).IsZero() {
			fmt.Fprintf(&b, "\n# %s\n", "relay: on, off, or the rules of the relay; source: file")
			if err := writeStructure(&b, "relay", c.RelayConfig); err != nil {
				return err
			}
			continue
		}
		value, err := yamlScalar(reflect.ValueOf(c).Elem().Field(o.index).Interface())
		if err != nil {
			return fmt.Errorf("config print: %s: %w", o.Name, err)
		}
		key, remark := o.Name, ""
		if c.secret(o.Name) {
			key, value, remark = "# "+o.Name, `""`, "set, and not shown; "
		}
		fmt.Fprintf(&b, "%s: %s # %sunit: %s; default: %s; source: %s\n", key, value, remark, o.Unit, orNone(o.Default), source(o.Name))
	}
	for _, one := range structures {
		value := reflect.ValueOf(one.of(c)).Elem()
		if _, option := optionNamed(one.name); option || value.IsZero() {
			continue
		}
		fmt.Fprintf(&b, "\n# %s; source: file\n", one.title)
		if err := writeStructure(&b, one.name, value.Interface()); err != nil {
			return err
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// secret reports whether the value of an option is not for everybody's eyes.
func (c *Config) secret(option string) bool {
	switch option {
	case "cluster-secret":
		return c.ClusterSecret != ""
	case "auth-secret":
		return c.AuthSecret != ""
	case "redis-url":
		return redisclient.HasPassword(c.RedisURL)
	}
	return false
}

func groupTitle(key string) string {
	for _, g := range Groups {
		if g.Key == key {
			return g.Title
		}
	}
	return key
}

func writeStructure(b *strings.Builder, name string, v any) error {
	enc := yaml.NewEncoder(b)
	enc.SetIndent(2)
	if err := enc.Encode(map[string]any{name: v}); err != nil {
		return fmt.Errorf("config print: %s: %w", name, err)
	}
	return enc.Close()
}

// yamlScalar writes a value the way its flag is written.
func yamlScalar(v any) (string, error) {
	switch v := v.(type) {
	case time.Duration:
		return shortDuration(v), nil
	case encoding.TextMarshaler:
		text, err := v.MarshalText()
		return string(text), err
	case bool:
		return fmt.Sprint(v), nil
	case []string:
		if len(v) == 0 {
			return "[]", nil
		}
		quoted := make([]string, len(v))
		for i, s := range v {
			quoted[i] = fmt.Sprintf("%q", s)
		}
		return "[" + strings.Join(quoted, ", ") + "]", nil
	default:
		return fmt.Sprintf("%q", v), nil
	}
}
