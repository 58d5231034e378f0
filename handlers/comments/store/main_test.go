package store_test

import (
	"fmt"
	"os"
	"testing"

	"go.uber.org/goleak"

	"github.com/sockeye-io/sockeye/handlers/comments/store/pgtest"
)

func TestMain(m *testing.M) {
	if name := os.Getenv(childOf); name != "" {
		fmt.Fprintln(os.Stderr, writeForever(name))
		os.Exit(1)
	}
	goleak.VerifyTestMain(pgtest.Main(m))
}
