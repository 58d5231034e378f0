package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"strings"

	"github.com/sockeye-io/sockeye/handlers/comments/store"
	"github.com/sockeye-io/sockeye/server"
)

// setSetting does what key=value says, and returns the key.
func setSetting(s *store.Settings, assignment string) (string, error) {
	key, value, found := strings.Cut(assignment, "=")
	if !found {
		return "", errors.New("write key=value, such as guests=on")
	}
	all := reflect.ValueOf(s).Elem()
	var keys []string
	for i := range all.NumField() {
		name := all.Type().Field(i).Tag.Get("json")
		if name == key {
			return key, setField(all.Field(i), value)
		}
		keys = append(keys, name)
	}
	return "", fmt.Errorf("there is no setting %q%s", key, server.Instead(key, keys))
}

// setField writes a text into a field of one of the kinds that settings have.
func setField(field reflect.Value, value string) error {
	switch field.Kind() {
	case reflect.Bool:
		switch strings.ToLower(value) {
		case "on", "true", "yes":
			field.SetBool(true)
		case "off", "false", "no":
			field.SetBool(false)
		default:
			return errors.New("write on or off")
		}
	case reflect.Int:
		n, err := strconv.ParseInt(value, 10, 32)
		if err != nil {
			return errors.New("write a whole number")
		}
		field.SetInt(n)
	case reflect.Slice:
		list, err := listOf(value)
		if err != nil {
			return err
		}
		field.Set(reflect.ValueOf(list))
	default:
		field.SetString(value)
	}
	return nil
}

// listOf reads a JSON list, or words with commas between them; nothing is none.
func listOf(value string) ([]string, error) {
	if strings.HasPrefix(value, "[") && strings.HasSuffix(value, "]") && strings.Contains(value, `"`) {
		var list []string
		if err := json.Unmarshal([]byte(value), &list); err != nil {
			return nil, fmt.Errorf(`this is no JSON list such as ["a","b"]: %w`, err)
		}
		return list, nil
	}
	var list []string
	for word := range strings.SplitSeq(value, ",") {
		if word = strings.TrimSpace(word); word != "" {
			list = append(list, word)
		}
	}
	return list, nil
}
