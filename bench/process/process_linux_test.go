package process

import (
	"os"
	"testing"
	"time"
)

func TestOwnCPUGrowsWithWork(t *testing.T) {
	before, err := CPU(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	for end := Self() + 50*time.Millisecond; Self() < end; {
	}
	after, err := CPU(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	if after-before < 45*time.Millisecond {
		t.Errorf("CPU grew by %v over 50ms of work", after-before)
	}
}

func TestRSSCountsTouchedMemory(t *testing.T) {
	before, err := RSS(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	block := make([]byte, 64<<20)
	for i := 0; i < len(block); i += 4096 {
		block[i] = 1
	}
	after, err := RSS(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	if after-before < 60<<20 {
		t.Errorf("RSS grew by %d bytes over 64 MiB", after-before)
	}
	if block[4096] != 1 {
		t.Error("unreachable: keeps the block alive")
	}
}

func TestDescendantsIncludeSelfUnderParent(t *testing.T) {
	tree, err := descendants(os.Getppid())
	if err != nil {
		t.Fatal(err)
	}
	for _, pid := range tree {
		if pid == os.Getpid() {
			return
		}
	}
	t.Errorf("descendants of the parent %v lack %d", tree, os.Getpid())
}

func TestUnknownProcessIsAnError(t *testing.T) {
	const none = 1 << 30
	if _, err := CPU(none); err == nil {
		t.Error("CPU of a process that cannot exist: no error")
	}
	if _, err := RSS(none); err == nil {
		t.Error("RSS of a process that cannot exist: no error")
	}
}
