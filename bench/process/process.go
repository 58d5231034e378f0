package process

import "errors"

// ErrUnsupported is returned where the operating system has no /proc.
var ErrUnsupported = errors.New("process: needs Linux")
