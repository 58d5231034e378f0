package archive_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/sockeye-io/sockeye/handlers/comments/archive"
	"github.com/sockeye-io/sockeye/handlers/comments/markup"
	"github.com/sockeye-io/sockeye/handlers/comments/store"
)

var created = time.UnixMilli(1767225600000).UTC()

// full is a site in which everything that a comment can have is there once.
func full() *shelf {
	ann := store.Author{ID: "u_1234567890123456", Subject: "7", Name: "Ann <&>", Avatar: "https://blog.example.com/ann.png", Role: "moderator"}
	return &shelf{
		site: store.Site{Name: "blog", Origins: []string{"https://blog.example.com"}, Secret: "the secret", Settings: store.Settings{Guests: true, Reactions: []string{"👍"}}},
		comments: []store.Comment{
			{
				ID: id(1), Site: "blog", Page: "/post-1", Title: "A post", URL: "https://blog.example.com/post-1", Author: ann, Text: "Hello\n\n**all** \u2028 <script>",
				State: store.Published, Pinned: true, Created: created, Edited: created.Add(time.Minute), Published: created.Add(time.Second),
				Up: 3, Down: 1, Reactions: map[string]int{"👍": 2, "🎉": 1}, Flags: 1,
			},
			{
				ID: id(2), Site: "blog", Page: "/post-1", Parent: id(1), Author: store.Author{ID: "g_1234567890123456", Name: "Ben", Guest: true},
				Text: "Spam", State: store.Pending, Held: []string{"word: spam"}, Created: created.Add(time.Hour),
			},
			{ID: id(3), Site: "blog", Page: "/post-1", Parent: id(2), State: store.Deleted, Created: created.Add(2 * time.Hour)},
		},
	}
}

func write(t *testing.T, s *shelf) string {
	t.Helper()
	var b bytes.Buffer
	n, err := archive.Write(t.Context(), &b, s, s.site.Name, nil)
	if err != nil || n != len(s.comments) {
		t.Fatalf("%d comments, %v", n, err)
	}
	return b.String()
}

func TestWhatIsWrittenIsReadAsItWas(t *testing.T) {
	t.Parallel()
	from := full()
	text := write(t, from)
	if strings.Contains(text, "the secret") || strings.Count(text, "\n") != len(from.comments)+2 {
		t.Errorf("written as\n%s", text)
	}
	f := archive.NewReader(strings.NewReader(text))
	list, err := read(f)
	if err != nil || f.Site().Name != "blog" || !f.Site().Settings.Guests {
		t.Fatalf("%+v, %v", f.Site(), err)
	}
	for i, c := range list {
		want := from.comments[i]
		want.Site = ""
		if !reflect.DeepEqual(c, want) {
			t.Errorf("comment %d is\n%+v, want\n%+v", i+1, c, want)
		}
	}
	if _, err := f.Next(); !errors.Is(err, io.EOF) {
		t.Errorf("after the end: %v", err)
	}
	to := &shelf{site: from.site}
	if _, err := archive.Import(t.Context(), to, &to.site, archive.NewReader(strings.NewReader(text)), archive.Options{}); err != nil {
		t.Fatal(err)
	}
	if again := write(t, to); again != text {
		t.Errorf("written again as\n%s, want\n%s", again, text)
	}
}

func TestASiteWithoutCommentsIsAFile(t *testing.T) {
	t.Parallel()
	text := write(t, &shelf{site: store.Site{Name: "blog"}})
	if list, err := read(archive.NewReader(strings.NewReader(text))); err != nil || len(list) != 0 {
		t.Errorf("%s: %v, %v", text, list, err)
	}
}

func TestHTMLIsMadeAnewAndNeverTaken(t *testing.T) {
	t.Parallel()
	text := write(t, full())
	to := &shelf{site: store.Site{Name: "other"}}
	if _, err := archive.Import(t.Context(), to, &to.site, archive.NewReader(strings.NewReader(text)), archive.Options{}); err != nil {
		t.Fatal(err)
	}
	first := to.comments[0]
	if want := markup.Render(first.Text, markup.Options{}).HTML; first.HTML != want || strings.Contains(first.HTML, "<script") || first.Site != "other" || first.Hash == "" {
		t.Errorf("%+v", first)
	}
	if last := to.comments[2]; last.HTML != "" || last.Hash != "" {
		t.Errorf("a deleted one: %+v", last)
	}
	evil := strings.Replace(text, `"state":"published"`, `"html":"<script>","state":"published"`, 1)
	if _, err := read(archive.NewReader(strings.NewReader(evil))); err == nil || !strings.Contains(err.Error(), `comment 1: the key "html" is unknown`) {
		t.Errorf("HTML in a file: %v", err)
	}
}

const head = `{"format":"sockeye-comments","version":1,"comments":[` + "\n"

// line is a comment of a file, with something else in it.
func line(n int, change ...string) string {
	text := fmt.Sprintf(`{"id":"%s","page":"/","author":{"id":"u_1234567890123456","name":"Ann"},"text":"Hi","state":"published","created":1767225600000}`, id(n))
	return strings.NewReplacer(change...).Replace(text)
}

func TestAFileThatIsWrongSaysWhatAndWhere(t *testing.T) {
	t.Parallel()
	reply := func(more string) string { return line(1, `"text"`, more+`,"text"`) }
	for _, tc := range []struct{ text, want string }{
		{"", "line 1 (byte 0): the file ends too early"},
		{"hello", "does not begin with {"},
		{"[]", "does not begin with {"},
		{"{}", "there are no comments"},
		{`{"comments":[]}`, `format and version have to come before "comments"`},
		{`{"format":"disqus"`, `"disqus" is not "sockeye-comments"`},
		{`{"format":"sockeye-comments","version":2,"comments":[]}`, "version: 2 is newer than 1, which this program reads: use a newer sockeye"},
		{`{"format":"sockeye-comments","version":0`, "version: 0 is none"},
		{`{"format":"sockeye-comments","version":"1"`, "a string is not what belongs here"},
		{`{"format":"sockeye-comments","version":1,"format":"x"`, `"format" is there twice`},
		{`{"format":"sockeye-comments","version":1,"more":1`, `the key "more" is unknown`},
		{`{"format":"sockeye-comments","version":1,"comments":{}`, "comments is no list"},
		{`{"format":"sockeye-comments","version":1}`, "there are no comments"},
		{head + line(1), "the file ends too early"},
		{head + line(1) + "]", "the file ends too early"},
		{head + line(1) + `],"site":{}}`, "nothing but } may come"},
		{head + line(1) + "]} x", "there is more after the end"},
		{head + line(1) + ",\n" + line(2) + ",\n{\"id\":oops}", "line 4 (byte 356), comment 3: this is no JSON"},
		{head + line(1) + "\n" + line(2), "line 3"},
		{head + "{\n\"id\": 7,\n", "the file ends too early"},
		{head + "{\n\"id\": 7\n}]}", "line 3 (byte"},
		{head + "{\n\"id\": 7\n}]}", "comment 1: id: a number is not what belongs here"},
		{head + line(1, id(1), "x"), `line 2 (byte 54), comment 1: id: "x" is none`},
		{head + line(1, `"page":"/"`, `"page":""`), "page: is missing"},
		{head + line(1, `"page":"/"`, `"page":"`+strings.Repeat("x", 513)+`"`), "page: has 513 bytes"},
		{head + line(1, `"text"`, `"title":"`+strings.Repeat("x", 1001)+`","text"`), "title: has more than"},
		{head + line(1, `"text"`, `"url":"javascript:alert(1)","text"`), `url: "javascript:alert(1)" is no http`},
		{head + line(1, `published`, `seen`), `state: "seen" is none of`},
		{head + reply(`"parent":"x"`), `parent: "x" is no id`},
		{head + reply(`"parent":"`+id(1)+`"`), "parent: is the comment itself"},
		{head + line(1, `"id":"u_1234567890123456",`, ""), "author.id: is missing"},
		{head + line(1, "u_1234567890123456", "root"), `author.id: "root" is none`},
		{head + line(1, "Ann", strings.Repeat("x", 201)), "author.name: has more than"},
		{head + line(1, `"name"`, `"subject":"`+strings.Repeat("x", 4097)+`","name"`), "author.subject: has more than"},
		{head + line(1, `"name"`, `"avatar":"http://a.example/b","name"`), "author.avatar:"},
		{head + line(1, `"name"`, `"role":"king","name"`), `author.role: "king" is not`},
		{head + line(1, "Hi", " "), "text: is missing"},
		{head + line(1, "Hi", strings.Repeat("x", 100_001)), "text: has more than"},
		{head + line(1, "published", "deleted"), "text: is there, and the comment is deleted"},
		{head + reply(`"held":[""]`), "held: has a reason"},
		{head + line(1, `,"created":1767225600000`, ""), "created: is missing"},
		{head + line(1, "1767225600000", "1767225600000000"), "created: 1767225600000000 is no time"},
		{head + reply(`"edited":-5`), "edited: -5 is no time"},
		{head + reply(`"up":-1`), "up: -1 is below zero"},
		{head + reply(`"reactions":{"":1}`), `reactions: "" with 1 is none`},
		{head + reply(`"reactions":{"x":0}`), `reactions: "x" with 0 is none`},
		{head + reply(`"more":0`), `the key "more" is unknown`},
		{head + "[]", "an array is not what belongs here"},
		{head + line(1, "Hi", strings.Repeat("x", 5<<20)), "it is longer than 4194304 bytes"},
		{head + strings.Repeat(" ", 5<<20), "it is longer than 4194304 bytes"},
	} {
		_, err := read(archive.NewReader(strings.NewReader(tc.text)))
		var located *archive.Error
		if !errors.As(err, &located) || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%.300s\n is %v, want %s", tc.text, err, tc.want)
		}
	}
}

func TestWhatCannotBeReadIsNoEnd(t *testing.T) {
	t.Parallel()
	broken := errors.New("the disk is gone")
	r, w := io.Pipe()
	go func() {
		_, _ = io.WriteString(w, head+line(1)+",\n") // the pipe is read to its end
		w.CloseWithError(broken)
	}()
	list, err := read(archive.NewReader(r))
	if len(list) != 1 || !errors.Is(err, broken) {
		t.Errorf("%d comments, %v", len(list), err)
	}
}

func TestALineIsCountedFarIntoAFile(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	b.WriteString(head)
	const many = 20_000
	for n := range many {
		b.WriteString(line(n+1) + ",\n")
	}
	b.WriteString(line(many+1, "published", "seen") + "]}")
	list, err := read(archive.NewReader(strings.NewReader(b.String())))
	if len(list) != many || err == nil || !strings.HasPrefix(err.Error(), fmt.Sprintf("line %d (byte ", many+2)) || !strings.Contains(err.Error(), fmt.Sprintf("comment %d: state", many+1)) {
		t.Errorf("%d comments, %v", len(list), err)
	}
}

func TestFormatsAreFoundByName(t *testing.T) {
	t.Parallel()
	if _, err := archive.Open("nothing", strings.NewReader("")); err == nil || !strings.Contains(err.Error(), `"nothing" is no format`) || !strings.Contains(err.Error(), archive.Format) {
		t.Error(err)
	}
	r, err := archive.Open(archive.Format, strings.NewReader(head+line(1)+"]}"))
	if err != nil {
		t.Fatal(err)
	}
	if list, err := read(r); err != nil || len(list) != 1 {
		t.Errorf("%v, %v", list, err)
	}
}

func FuzzRead(f *testing.F) {
	var b bytes.Buffer
	if _, err := archive.Write(f.Context(), &b, full(), "blog", nil); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes())
	f.Add([]byte(head + line(1) + ",\n" + line(2) + "]}"))
	f.Add([]byte(head + "{\n\"id\": 7\n}]}"))
	f.Fuzz(func(t *testing.T, text []byte) {
		list, err := read(archive.NewReader(bytes.NewReader(text)))
		if err != nil {
			var located *archive.Error
			if !errors.As(err, &located) || located.Offset < 0 || located.Offset > int64(len(text)) || located.Line < 1 || located.Line > bytes.Count(text, []byte("\n"))+1 || located.Index > len(list)+1 {
				t.Fatalf("after %d comments of %q: %v", len(list), text, err)
			}
		}
		s := &shelf{site: store.Site{Name: "blog"}, comments: list}
		var out bytes.Buffer
		if _, err := archive.Write(t.Context(), &out, s, "blog", nil); err != nil {
			t.Fatal(err)
		}
		again, err := read(archive.NewReader(&out))
		if err != nil || !reflect.DeepEqual(list, again) && len(list) > 0 {
			t.Fatalf("%+v is read again as %+v, %v", list, again, err)
		}
	})
}
