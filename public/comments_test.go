package public

import (
	"bytes"
	"io/fs"
	"testing"
)

// The widget is loaded by pages of others, on telephones too: with the official client it is
// less than 30 kB as it is sent.
func TestTheCommentWidgetIsSmall(t *testing.T) {
	root, complete := Client()
	body, err := fs.ReadFile(root, widgetScript)
	if err != nil && !complete {
		t.Log("the binary was built without npm: there is no widget to weigh")
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	f := newFile(widgetScript, body)
	const limit = 30_000 // bytes
	if size := len(f.gzipped()); size == 0 || size >= limit {
		t.Errorf("%s is %d bytes compressed, want less than %d", widgetScript, size, limit)
	}
	if n := bytes.Count(body, []byte(widgetPath)); n != 1 {
		t.Errorf("%s has the engine path %d times, want once, to be filled in", widgetScript, n)
	}
}
