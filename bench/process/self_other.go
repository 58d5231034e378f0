//go:build !unix

package process

import "time"

// Self is not known here: 0.
func Self() time.Duration { return 0 }

// RaiseFileLimit does nothing: there is no limit to raise.
func RaiseFileLimit(uint64) error { return nil }
