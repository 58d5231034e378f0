package main

import (
	"strings"
	"testing"
)

const passing = `{"Action":"start","Package":"p"}
{"Action":"run","Package":"p","Test":"TestA"}
{"Action":"output","Package":"p","Test":"TestA","Output":"--- PASS: TestA (0.00s)\n"}
{"Action":"pass","Package":"p","Test":"TestA","Elapsed":0}
{"Action":"output","Package":"p","Output":"PASS\n"}
{"Action":"output","Package":"p","Output":"ok  \tp\t0.1s\n"}
{"Action":"pass","Package":"p","Elapsed":0.1}
`

const failing = `{"Action":"output","Package":"q","Test":"TestB","Output":"    b_test.go:1: broken\n"}
{"Action":"output","Package":"q","Test":"TestB","Output":"--- FAIL: TestB (0.00s)\n"}
{"Action":"fail","Package":"q","Test":"TestB"}
{"Action":"output","Package":"q","Output":"FAIL\tq\t0.1s\n"}
{"Action":"fail","Package":"q"}
`

const skipping = `{"Action":"output","Package":"r","Test":"TestC","Output":"    c_test.go:1: no reason\n"}
{"Action":"skip","Package":"r","Test":"TestC"}
{"Action":"pass","Package":"r"}
`

const panicking = `{"Action":"output","Package":"s","Test":"TestD","Output":"panic: deep trouble\n"}
{"Action":"output","Package":"s","Output":"FAIL\ts\t0.1s\n"}
{"Action":"fail","Package":"s"}
`

func TestOnlyFailuresAndUnexpectedSkipsFail(t *testing.T) {
	for name, tc := range map[string]struct {
		input         string
		allowed       []string
		fails, prints []string
	}{
		"pass":           {input: passing, prints: []string{"ok  \tp", "1 tests passed, 0 failed, 0 skipped", "PASS"}},
		"fail":           {input: passing + failing, fails: []string{"q TestB failed"}, prints: []string{"b_test.go:1: broken", "1 failed"}},
		"skip":           {input: skipping, fails: []string{"r TestC skipped"}, prints: []string{"no reason"}},
		"allowed skip":   {input: skipping, allowed: []string{"TestC"}, prints: []string{"1 skipped", "PASS"}},
		"panic":          {input: panicking, fails: []string{"s failed"}, prints: []string{"deep trouble"}},
		"nothing at all": {input: "go: cannot find main module\n", fails: []string{"no package was tested"}, prints: []string{"cannot find"}},
	} {
		var out strings.Builder
		s := &summary{allowed: tc.allowed, output: make(map[string][]string)}
		err := s.read(strings.NewReader(tc.input), &out)
		if (err != nil) != (len(tc.fails) > 0) {
			t.Errorf("%s: error %v, want %v", name, err, tc.fails)
		}
		for _, want := range tc.fails {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: error %v, want %q in it", name, err, want)
			}
		}
		for _, want := range tc.prints {
			if !strings.Contains(out.String(), want) {
				t.Errorf("%s: printed %q, want %q in it", name, out.String(), want)
			}
		}
	}
}
