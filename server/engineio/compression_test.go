package engineio

import (
	"compress/gzip"
	"compress/zlib"
	"io"
	"net/http"
	"strings"
	"testing"
)

func decode(t *testing.T, a answer) string {
	t.Helper()
	var r io.Reader = strings.NewReader(a.body)
	var err error
	switch a.header.Get("Content-Encoding") {
	case "gzip":
		r, err = gzip.NewReader(r)
	case "deflate":
		r, err = zlib.NewReader(r)
	}
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestPollAnswersAreCompressed(t *testing.T) {
	t.Parallel()
	long, short := strings.Repeat("a", 2000), strings.Repeat("a", 100)
	for _, c := range []struct {
		name        string
		compression *Compression
		accept      string
		text        string
		flags       SendFlag
		want        string
	}{
		{"by default not", nil, "gzip", long, 0, ""},
		{"gzip first", &Compression{}, "gzip, deflate", long, 0, "gzip"},
		{"gzip first, whatever the order", &Compression{}, "deflate, gzip", long, 0, "gzip"},
		{"deflate", &Compression{}, "deflate", long, 0, "deflate"},
		{"anything", &Compression{}, "*", long, 0, "gzip"},
		{"gzip forbidden", &Compression{}, "gzip;q=0.0, deflate;q=0.5", long, 0, "deflate"},
		{"nothing acceptable", &Compression{}, "br", long, 0, ""},
		{"below the threshold", &Compression{}, "gzip", short, 0, ""},
		{"above a threshold of one's own", &Compression{Threshold: 50}, "gzip", short, 0, "gzip"},
		{"not this message", &Compression{}, "gzip", long, NoCompress, ""},
	} {
		f := serve(t, &Options{HTTPCompression: c.compression}, nil)
		p := f.poll(4)
		if err := p.side().Send(says(c.text), c.flags); err != nil {
			t.Fatal(err)
		}
		a := f.do(t.Context(), http.MethodGet, p.query, "", http.Header{"Accept-Encoding": {c.accept}})
		if got := a.header.Get("Content-Encoding"); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
		if got := decode(t, a); got != "4"+c.text {
			t.Errorf("%s: got %.20q", c.name, got)
		}
		if c.want != "" && a.header.Get("Vary") != "Accept-Encoding" {
			t.Errorf("%s: Vary %q", c.name, a.header.Get("Vary"))
		}
	}
}
