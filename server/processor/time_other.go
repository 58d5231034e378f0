//go:build !unix

package processor

import "time"

// exact says whether Time is up to date.
const exact = false

// Time returns about the processor time that this process has used: what Go knew of it when
// it last collected garbage.
func Time() time.Duration { return goTime() }
