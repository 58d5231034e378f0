package store_test

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/sockeye-io/sockeye/handlers/comments/store/pgtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(pgtest.Main(m)) }
