package archive_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/sockeye-io/sockeye/handlers/comments/archive"
	"github.com/sockeye-io/sockeye/handlers/comments/store"
)

// known is a shelf that knows Ann.
type known struct{ *shelf }

func (k known) Person(_ context.Context, _, user string) (store.Person, error) {
	for _, c := range k.comments {
		if c.Author.ID == user {
			return store.Person{Author: c.Author, First: c.Created}, nil
		}
	}
	return store.Person{}, store.ErrNotFound
}

func (k known) OpinionsOf(_ context.Context, _, user string) ([]store.Opinion, error) {
	switch {
	case strings.HasPrefix(user, "g_"):
		return nil, errors.New("the disk is gone")
	case user == "u_nobody":
		return nil, nil
	}
	return []store.Opinion{{Comment: id(2), Kind: "reaction", Value: "👍", Time: created}}, nil
}

func (k known) Banned(_ context.Context, _, user string) (store.Ban, error) {
	if user != k.comments[0].Author.ID {
		return store.Ban{}, store.ErrNotFound
	}
	return store.Ban{Reason: "spam", Created: created}, nil
}

func TestAUserGetsAllThatIsKnownAndNobodyElses(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	k := known{full()}
	if n, err := archive.WriteUser(t.Context(), &b, k, "blog", k.comments[0].Author.ID); n != 1 || err != nil {
		t.Fatalf("%d comments, %v", n, err)
	}
	var doc struct {
		Format   string
		User     struct{ Name, Subject string }
		Ban      struct{ Reason string }
		Comments []archive.Record
		Opinions []struct {
			Kind, Value string
			Time        int64
		}
	}
	if err := json.Unmarshal(b.Bytes(), &doc); err != nil || doc.Format != "sockeye-comments-user" || doc.User.Name != "Ann <&>" || doc.User.Subject != "7" ||
		doc.Ban.Reason != "spam" || len(doc.Comments) != 1 || doc.Comments[0].ID != id(1) || len(doc.Opinions) != 1 || doc.Opinions[0].Value != "👍" || doc.Opinions[0].Time != created.UnixMilli() {
		t.Errorf("%s\n%v", &b, err)
	}
	b.Reset()
	if _, err := archive.WriteUser(t.Context(), &b, k, "blog", "u_nobody"); !errors.Is(err, store.ErrNotFound) || b.Len() != 0 {
		t.Errorf("nobody: %v, %s", err, &b)
	}
	if n, err := archive.WriteUser(t.Context(), &b, k, "blog", "u_voter"); n != 0 || err != nil || !strings.Contains(b.String(), `"id": "u_voter"`) || !strings.Contains(b.String(), "👍") {
		t.Errorf("who only votes: %v, %s", err, &b)
	}
	b.Reset()
	if _, err := archive.WriteUser(t.Context(), &b, k, "blog", k.comments[1].Author.ID); err == nil || !strings.Contains(err.Error(), "votes, reactions and flags: the disk is gone") || b.Len() != 0 {
		t.Errorf("a store that fails: %v, %s", err, &b)
	}
}
