package comments

import (
	"testing"
)

// TestACommentAppearsToOthers: what one says, who is on the page hears, whole.
func TestACommentAppearsToOthers(t *testing.T) {
	t.Parallel()
	n := alone(t)
	reader, ann := n.reader(t), n.user(t, "ann")
	if got := reader.must("join", object{"page": "/a"}); got["reset"] != true || got["stamp"] == nil {
		t.Errorf("a page that knows nothing is told %v", got)
	}
	said := ann.say("/a", "hello")
	heard := reader.hearsComment(said["id"].(string), "published")
	if heard["html"] != said["html"] || heard["author"].(object)["name"] != "Name of ann" || heard["page"] != "/a" {
		t.Errorf("heard %v, said %v", heard, said)
	}
	if page := reader.hears("page")["page"].(object); page["count"] != 1.0 {
		t.Errorf("the page is %v", page)
	}
}
