package server

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/sockeye-io/sockeye/adapters/redisclient/redistest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(redistest.Main(m)) }
