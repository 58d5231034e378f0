package authfile

import (
	"context"
	"os"
	"time"
)

// lockEvery is how often a lock that another program holds is tried again.
const lockEvery = 10 * time.Millisecond

// lock locks a file, which it makes, until unlock. The system takes the lock away from
// a program that dies.
func lock(ctx context.Context, name string) (unlock func() error, err error) {
	file, err := os.OpenFile(name, os.O_CREATE|os.O_RDWR, fileMode) //nolint:gosec // the operator names the file
	if err != nil {
		return nil, err
	}
	tick := time.NewTicker(lockEvery)
	defer tick.Stop()
	for {
		taken, err := tryLock(file)
		if taken {
			return file.Close, nil // which unlocks
		}
		if err != nil {
			_ = file.Close() // nothing was written
			return nil, err
		}
		select {
		case <-ctx.Done():
			_ = file.Close() // nothing was written
			return nil, ctx.Err()
		case <-tick.C:
		}
	}
}
