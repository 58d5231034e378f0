package process

import (
	"os"
	"testing"
	"time"
)

func TestOwnCPUGrowsWithWork(t *testing.T) {
	before, err := CPU([]int{os.Getpid()})
	if err != nil {
		t.Fatal(err)
	}
	worked := 0
	for end := Self() + 50*time.Millisecond; Self() < end; {
		worked++
	}
	after, err := CPU([]int{os.Getpid()})
	if err != nil {
		t.Fatal(err)
	}
	if after-before < 45*time.Millisecond {
		t.Errorf("CPU grew by %v over 50ms of work (%d rounds)", after-before, worked)
	}
}

func TestRSSCountsTouchedMemory(t *testing.T) {
	before, err := RSS([]int{os.Getpid()})
	if err != nil {
		t.Fatal(err)
	}
	block := make([]byte, 64<<20)
	for i := 0; i < len(block); i += 4096 {
		block[i] = 1
	}
	after, err := RSS([]int{os.Getpid()})
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

func TestTreeIncludesSelfUnderParent(t *testing.T) {
	tree, err := Tree(os.Getppid())
	if err != nil {
		t.Fatal(err)
	}
	for _, pid := range tree {
		if pid == os.Getpid() {
			return
		}
	}
	t.Errorf("tree of the parent %v lack %d", tree, os.Getpid())
}

func TestUnknownProcessIsAnError(t *testing.T) {
	const none = 1<<22 + 1 // above the largest pid there can be
	if _, err := CPU([]int{none}); err == nil {
		t.Error("CPU of a process that cannot exist: no error")
	}
	if _, err := Tree(none); err == nil {
		t.Error("tree of a process that cannot exist: no error")
	}
	if _, err := RSS([]int{none}); err == nil {
		t.Error("RSS of a process that cannot exist: no error")
	}
}

func TestEndedDescendantCountsNothing(t *testing.T) {
	const none = 1<<22 + 1 // above the largest pid there can be
	pids := []int{os.Getpid(), none}
	if _, err := CPU(pids); err != nil {
		t.Error(err)
	}
	if _, err := RSS(pids); err != nil {
		t.Error(err)
	}
}
