package markup

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// stairs goes further to the right with each line.
func stairs(step, line string) string {
	var b strings.Builder
	for i := 0; b.Len() < MaxText; i++ {
		b.WriteString(strings.Repeat(step, i%2000) + line + "\n")
	}
	return b.String()
}

// ticks has runs of backticks of all lengths, none of which closes another.
func ticks() string {
	var b strings.Builder
	for i := 1; b.Len() < MaxText; i++ {
		b.WriteString("e" + strings.Repeat("`", i))
	}
	return b.String()
}

// TestHostileTextTakesNoLongerThanOther has texts that readers of Markdown take quadratic time, or a stack
// without end, for. Without bounds some of these take minutes; with them all of them together take about a second.
func TestHostileTextTakesNoLongerThanOther(t *testing.T) {
	t.Parallel()
	texts := map[string]string{
		"stairs of lists": stairs("  ", "- a"), "stairs of quotes": stairs(">", "a"), "backticks": ticks(),
		"open, then close":       strings.Repeat("[", 20000) + strings.Repeat("](https://x.org)", 4000),
		"images within":          strings.Repeat("![", 20000) + strings.Repeat("](https://x.org)", 2500),
		"stars within":           strings.Repeat("*a ", 13000) + strings.Repeat("a* ", 13000),
		"brackets in an address": " www.x.org/" + strings.Repeat("(", MaxText),
	}
	for _, s := range []string{
		">", "> ", "- ", "1. ", "> - 1. ", "*", "_", "~", "**", "a**b ", "*a_ ", "_a*", "*a **a ", "a* ", "~~a ", "[", "]", "[]", "![", "[a](", "![[]()", "[a](<b",
		"[a](b)", "[a](https://x.org \"", "](", "*[_", "[*a](b)", "`a ", "<a", "<a:b", "<https:", "https://a.b ", "(https://a.b/", " www.", "www.a.b ", "a@b.c ",
		"a@", "a_", "&", "&#x00026;", "&a", "\\", "\"", "'", "<", "\n", "a\n", "a\n\n", "\u200b\n\n", "-\n", "1.\n", "```\n", "~~~a\n", ">>>>>>>>>>a\n", "#", "# a\n",
		" ", "\t", "-\t", "a          \n", "\u00a0", "\xff", "\x00", "👍", "**a *b ~~c [d](e) `f ",
	} {
		texts[s] = strings.Repeat(s, MaxText/4/len(s))
	}
	for name, s := range texts {
		d := Render(s, Options{Images: true})
		if len(d.HTML) > 12*MaxText || len(d.Plain) > 4*MaxText || len(d.Links) > maxLinks {
			t.Errorf("%q: %d bytes of HTML, %d of text, %d links", name, len(d.HTML), len(d.Plain), len(d.Links))
		}
		proven(t, s[:2000]) // of the same kind, and the proof takes longer than what it is of
	}
}

func TestOfATextThatIsTooLongTheBeginningIsRead(t *testing.T) {
	t.Parallel()
	d := proven(t, "a"+strings.Repeat("é", MaxText))
	if n := len(d.Plain); n > MaxText || n < MaxText-2 || strings.Contains(d.Plain, "\ufffd") {
		t.Errorf("%d bytes", n)
	}
}

func TestMarksBeyondTheBoundAreText(t *testing.T) {
	t.Parallel()
	d := proven(t, strings.Repeat("*a* ", maxMarks))
	if n := strings.Count(d.HTML, "<em>"); n < maxMarks/3 || n > maxMarks/2 || !strings.HasSuffix(d.HTML, "*a*</p>") {
		t.Errorf("%d", n)
	}
	d = proven(t, strings.Repeat("https://x.org ", 2*maxLinks))
	if n := strings.Count(d.HTML, "<a "); n != maxLinks {
		t.Errorf("%d links", n)
	}
}

// No text is lost, wherever it stands.
func TestNoWordIsLost(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2))
	prefixes := []string{"", "", "", "\n", " ", "    ", "\t", "        ", "- ", "-   ", "> ", ">", "# ", "1. ", "12) ", "  - ", "* ", "+ ", "*", "**", "|", "    > ", "---\n", "===\n", "<", "[", "!["}
	for range 400 {
		var b strings.Builder
		n := 1 + r.IntN(12)
		for i := range n {
			for range r.IntN(4) {
				b.WriteString(prefixes[r.IntN(len(prefixes))])
			}
			fmt.Fprintf(&b, "w%dx\n", i)
		}
		d := proven(t, b.String())
		for i := range n {
			word := fmt.Sprintf("w%dx", i)
			if !strings.Contains(d.Plain, word) || !strings.Contains(d.HTML, word) {
				t.Fatalf("%s is lost of %q: %q", word, b.String(), d.HTML)
			}
		}
	}
}
