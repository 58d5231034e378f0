package socketio

import (
	"runtime"
	"testing"
)

// A replay to many encodes a kept packet once for all that wait for it, and the
// packet holds nothing of that afterwards.
func TestReplaysShareTheirEncodings(t *testing.T) {
	p, err := NewPacket("/", "e", make([]byte, 100))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Freeze(); err != nil {
		t.Fatal(err)
	}
	p.SetOffset("abcdef.1")
	delivered, err := p.message(variantMsgpack)
	if err != nil {
		t.Fatal(err)
	}
	p.DropEncodings()
	one, err := p.message(variantMsgpack)
	if err != nil {
		t.Fatal(err)
	}
	two, err := p.message(variantMsgpack)
	if err != nil {
		t.Fatal(err)
	}
	if one != two {
		t.Error("encoded for each")
	}
	if one == delivered || one.Size() != delivered.Size() {
		t.Errorf("%d bytes became %d", delivered.Size(), one.Size())
	}
	runtime.KeepAlive(one)
	one, two = nil, nil
	for range 10 { // a collection that was under way may have seen it
		runtime.GC()
		if p.replayed[variantMsgpack].Value() == nil {
			return
		}
	}
	t.Error("held on to", one, two)
}
