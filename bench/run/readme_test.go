package main

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestTheReadmeKnowsTheTargets holds bench/README.md to the Makefile.
func TestTheReadmeKnowsTheTargets(t *testing.T) {
	page, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	makefile, err := os.ReadFile("../../Makefile")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile(`(?m)^((?:bench|peers)[a-z-]*):.* ## `).FindAllSubmatch(makefile, -1) {
		if !regexp.MustCompile(`make ` + string(m[1]) + `[ \n]`).Match(page) {
			t.Errorf("no make %s", m[1])
		}
	}
	list := regexp.MustCompile("`-profile ([a-z|]+)`").FindSubmatch(page)
	if list == nil {
		t.Fatal("no list of profiles")
	}
	named := strings.Split(string(list[1]), "|")
	for _, m := range regexp.MustCompile(`-profile ([a-z]+)`).FindAllSubmatch(makefile, -1) {
		if !slices.Contains(named, string(m[1])) {
			t.Errorf("no profile %s among %q", m[1], named)
		}
	}
}
