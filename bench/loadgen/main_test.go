package main

import (
	"bytes"
	"context"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/sockeye-io/sockeye/bench/load"
)

func TestArgumentsAreChecked(t *testing.T) {
	for _, args := range [][]string{
		{"-url", "http://192.0.2.1:80"},
		{"-work", "sing"},
		{"-window", "many"},
		{"-parser", "xml"},
		{"-stalled", "0.9"},
		{"-work", "echo", "-rooms", "2"},
		{"-namespace", "news"},
	} {
		if _, err := run(t.Context(), args, &bytes.Buffer{}); err == nil {
			t.Errorf("%q: accepted", args)
		}
	}
}

func TestNobodyListening(t *testing.T) {
	var lc net.ListenConfig
	ln, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ln.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if _, err := run(ctx, []string{"-url", "http://" + ln.Addr().String(), "-clients", "2"}, &bytes.Buffer{}); err == nil {
		t.Error("no error without a server")
	}
}

func TestDescriptionNamesFailures(t *testing.T) {
	var b bytes.Buffer
	r := &load.Result{Units: 10, Elapsed: time.Second, Lost: 3, Churned: 7, Notes: []string{"why"}}
	if err := describe(&b, r); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"10 per second", "3 lost", "7 clients came and went", "- why"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no %q in:\n%s", want, b.String())
		}
	}
}
