package main

import (
	"fmt"
	"io"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// progressEvery is how often a line is written where there is no terminal.
const progressEvery = time.Second

// progress shows how far reading or writing comments is: a bar on a terminal, and elsewhere a line a
// second. It is used by one goroutine.
type progress struct {
	w     io.Writer
	what  string
	total int64 // bytes; -1 is unknown
	bar   *progressbar.ProgressBar
	last  time.Time
}

func newProgress(w io.Writer, what string, total int64) *progress {
	p := &progress{w: w, what: what, total: total, last: time.Now()}
	if f, ok := w.(*os.File); ok && term.IsTerminal(int(f.Fd())) { // #nosec G115 -- small numbers
		p.bar = newBar(w, what, total)
	}
	return p
}

func newBar(w io.Writer, what string, total int64) *progressbar.ProgressBar {
	o := []progressbar.Option{
		progressbar.OptionSetWriter(w), progressbar.OptionSetDescription(what), progressbar.OptionThrottle(100 * time.Millisecond),
		progressbar.OptionSetWidth(30), progressbar.OptionClearOnFinish(), progressbar.OptionSetRenderBlankState(true),
		progressbar.OptionSpinnerType(14), progressbar.OptionSetSpinnerChangeInterval(0),
	}
	if total >= 0 {
		o = append(o, progressbar.OptionShowBytes(true), progressbar.OptionSetPredictTime(true))
	} else {
		o = append(o, progressbar.OptionShowCount(), progressbar.OptionShowIts(), progressbar.OptionSetItsString("comments"))
	}
	return progressbar.NewOptions64(total, o...)
}

// set says where it is: done of the total, and how many comments that is.
func (p *progress) set(done int64, comments int) {
	if p.bar != nil {
		p.bar.Describe(fmt.Sprintf("%s: %s", p.what, count(comments)))
		_ = p.bar.Set64(done) // a bar that cannot be drawn keeps nothing from being done
		return
	}
	now := time.Now()
	if now.Sub(p.last) < progressEvery {
		return
	}
	p.last = now
	text := fmt.Sprintf("%s: %s", p.what, count(comments))
	if p.total > 0 {
		text += fmt.Sprintf(", %d%% of %s", 100*done/p.total, bytesText(p.total))
	}
	_, _ = fmt.Fprintln(p.w, text) // see above
}

// end takes the bar away.
func (p *progress) end() {
	if p.bar != nil {
		_ = p.bar.Finish() // see above
	}
}

// bytesText is a size for people.
func bytesText(n int64) string {
	switch {
	case n < 1000:
		return fmt.Sprintf("%d bytes", n)
	case n < 1_000_000:
		return fmt.Sprintf("%.1f kB", float64(n)/1000)
	case n < 1_000_000_000:
		return fmt.Sprintf("%.1f MB", float64(n)/1_000_000)
	default:
		return fmt.Sprintf("%.1f GB", float64(n)/1_000_000_000)
	}
}
