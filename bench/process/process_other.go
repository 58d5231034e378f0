//go:build !linux

package process

import "time"

// Tree answers ErrUnsupported.
func Tree(int) ([]int, error) { return nil, ErrUnsupported }

// CPU answers ErrUnsupported.
func CPU([]int) (time.Duration, error) { return 0, ErrUnsupported }

// RSS answers ErrUnsupported.
func RSS([]int) (int64, error) { return 0, ErrUnsupported }
