package auth

import (
	"errors"
	"testing"
)

func TestRooms(t *testing.T) {
	t.Parallel()
	ann := &Principal{ID: "ann", Join: Patterns{"news:*", "user:{id}"}, Publish: Patterns{"news:talk"}, Method: MethodToken}
	admin := &Principal{ID: "root", Join: Everything(), Publish: Everything(), Method: MethodToken}
	for _, c := range []struct {
		name    string
		access  Rooms
		p       *Principal
		do      Action
		room    string
		allowed bool
	}{
		{"join", Rooms{}, ann, ActionJoin, "news:talk", true},
		{"join one's own", Rooms{}, ann, ActionJoin, "user:ann", true},
		{"join another's", Rooms{}, ann, ActionJoin, "user:bea", false},
		{"read is as join", Rooms{}, ann, ActionRead, "news:talk", true},
		{"publish is apart", Rooms{}, ann, ActionPublish, "news:sport", false},
		{"publish", Rooms{}, ann, ActionPublish, "news:talk", true},
		{"the whole namespace", Rooms{}, ann, ActionPublish, "", false},
		{"the whole namespace with *", Rooms{}, admin, ActionPublish, "", true},
		{"anonymous by itself", Rooms{}, Anonymous(), ActionPublish, "", true},
		{"anonymous by configuration", Rooms{Anonymous: &Rights{Join: Patterns{"news:*"}}}, Anonymous(), ActionJoin, "news:a", true},
		{"anonymous by configuration, not listed", Rooms{Anonymous: &Rights{Join: Patterns{"news:*"}}}, Anonymous(), ActionPublish, "news:a", false},
		{"anonymous has no id", Rooms{Anonymous: &Rights{Join: Patterns{"user:{id}"}}}, Anonymous(), ActionJoin, "user:", false},
		{"configuration is not for tokens", Rooms{Anonymous: &Rights{}}, admin, ActionPublish, "", true},
	} {
		err := c.access.Allow(c.p, c.do, "/", c.room)
		var told *Error
		if (err == nil) != c.allowed || err != nil && (!errors.As(err, &told) || told.Code != CodeForbidden || told.Message == "") {
			t.Errorf("%s: got %v", c.name, err)
		}
	}
}

func TestAllowingAllocatesNothing(t *testing.T) {
	p := &Principal{ID: "ann", Join: Patterns{"a", "news:*"}, Publish: Everything()}
	var access Access = Rooms{}
	if n := testing.AllocsPerRun(100, func() {
		if access.Allow(p, ActionJoin, "/", "news:a") != nil || access.Allow(p, ActionPublish, "/", "") != nil {
			t.Error("not allowed")
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
