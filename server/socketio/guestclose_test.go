package socketio

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/sockeye-io/sockeye/server/engineio"
)

// TestCloseCodesAreDocumented: the page has each code with its text, and no other.
func TestCloseCodesAreDocumented(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/websocket.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string]bool{"| 1000 | |": true}
	for _, row := range closeOfCode {
		rows[fmt.Sprintf("| %d | %s |", row.code, row.text)] = true
	}
	for _, row := range closeOfDetail {
		rows[fmt.Sprintf("| %d | %s |", row.code, row.text)] = true
	}
	_, table, _ := strings.Cut(string(page), "## Close codes")
	for row := range rows {
		if !strings.Contains(table, "\n"+row+" ") {
			t.Errorf("docs/websocket.md has no row %s", row)
		}
	}
	if n := strings.Count(table, "\n| 1") + strings.Count(table, "\n| 4"); n != len(rows) {
		t.Errorf("docs/websocket.md has %d codes with their texts, the program %d", n, len(rows))
	}
}

// TestCloseFramesFit: a close frame has no room for more (RFC 6455, section 5.5), and every
// end has a code that may be sent.
func TestCloseFramesFit(t *testing.T) {
	t.Parallel()
	for _, e := range engineio.Ends() {
		code, text := closeFrame(&e)
		if code < 1000 || code > 1014 && code < 4000 || code > 4999 || len(text) > 123 {
			t.Errorf("%v: %d %q", &e, code, text)
		}
	}
	for _, reason := range []string{"token_expired", "", "kicked"} {
		if code, _ := closeFrame(&engineio.CloseError{Detail: engineio.DetailServerDisconnect, Err: &ended{reason}}); code < 4000 {
			t.Errorf("%q: %d", reason, code)
		}
	}
}
