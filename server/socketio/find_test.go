package socketio_test

import (
	"regexp"
	"slices"
	"testing"

	"github.com/sockeye-io/sockeye/server/socketio"
)

// A name that comes from outside makes no namespace, unless a pattern has it: then it
// is there until nobody needs it any more.
func TestFindMakesOnlyWhatAPatternHas(t *testing.T) {
	t.Parallel()
	srv := serve(t, &socketio.Options{CleanupEmptyChildNamespaces: true})
	srv.Of("/news")
	srv.OfPattern(regexp.MustCompile(`^/team-\d+$`))
	if n, _ := srv.Find("/nope"); n != nil {
		t.Error("a name that nobody has was found")
	}
	n, release := srv.Find("/news")
	if n != srv.Of("/news") {
		t.Error("another namespace was found")
	}
	release()
	n, release = srv.Find("/team-7")
	there := func() bool { return slices.Contains(srv.Namespaces(), n) }
	if n == nil || n.Name() != "/team-7" || !there() {
		t.Fatalf("%v was found", n)
	}
	again, release2 := srv.Find("/team-7")
	release()
	release()
	if again != n || !there() {
		t.Error("it was removed while it was needed")
	}
	release2()
	if there() {
		t.Error("it stays when nobody needs it")
	}
}
