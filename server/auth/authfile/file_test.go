package authfile

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/sockeye-io/sockeye/server/auth"
)

// writes makes the test binary a program that adds so many keys to the file it names.
const writes = "TEST_ADDS_KEYS_TO"

const each = 20 // keys that a writer adds

func TestMain(m *testing.M) {
	if name := os.Getenv(writes); name != "" {
		if err := add(context.Background(), New(name), fmt.Sprint(os.Getpid())); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	goleak.VerifyTestMain(m)
}

func add(ctx context.Context, f *File, who string) error {
	for i := range each {
		if err := f.PutKey(ctx, fmt.Sprintf("%s-%d", who, i), auth.APIKey{Hash: "h", Scopes: []auth.Scope{auth.ScopeRead}}); err != nil {
			return err
		}
	}
	return nil
}

func fresh(t *testing.T) *File {
	t.Helper()
	return New(filepath.Join(t.TempDir(), "auth.json"))
}

func load(t *testing.T, f *File) *auth.Entries {
	t.Helper()
	e, err := f.Load(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func TestWhatIsPutIsLoaded(t *testing.T) {
	t.Parallel()
	f := fresh(t)
	if e := load(t, f); len(e.Keys)+len(e.Blocks) != 0 {
		t.Errorf("a file that is not there has %+v", e)
	}
	until := time.Now().Add(time.Hour).UTC().Truncate(time.Millisecond)
	key := auth.APIKey{Hash: "h", Name: "n", Scopes: []auth.Scope{auth.ScopeAdmin}, Rooms: auth.Patterns{"a:*"}, Created: until, Expires: until}
	for _, err := range []error{
		f.PutKey(t.Context(), "k", key),
		f.PutBlock(t.Context(), "eve", auth.Block{Until: until, Reason: "spam", Since: until}),
		f.PutBlock(t.Context(), "mallory", auth.Block{}),
		f.PutBlock(t.Context(), "over", auth.Block{Until: until.Add(-2 * time.Hour)}),
		f.DeleteBlock(t.Context(), "mallory"),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	e := load(t, f)
	if got := fmt.Sprintf("%+v", e.Keys["k"]); got != fmt.Sprintf("%+v", key) {
		t.Errorf("the key is %s", got)
	}
	if b := e.Blocks["eve"]; len(e.Blocks) != 1 || b.Reason != "spam" || !b.Until.Equal(until) {
		t.Errorf("blocks: %+v", e.Blocks)
	}
	for _, err := range []error{f.DeleteKey(t.Context(), "x"), f.DeleteBlock(t.Context(), "x")} {
		if !errors.Is(err, auth.ErrNotFound) {
			t.Errorf("what is not there is taken out with %v", err)
		}
	}
	info, err := os.Stat(f.name)
	if err != nil {
		t.Fatal(err)
	}
	if mode := info.Mode().Perm(); runtime.GOOS != "windows" && mode != 0o600 {
		t.Errorf("the file's mode is %v", mode)
	}
}

// Programs and goroutines that write at once take nothing away from each other, and who
// reads meanwhile sees whole files.
func TestManyWritersLoseNothing(t *testing.T) {
	t.Parallel()
	f := fresh(t)
	const goroutines, programs = 4, 3
	var writers sync.WaitGroup
	for i := range goroutines {
		writers.Go(func() {
			if err := add(t.Context(), f, fmt.Sprintf("goroutine%d", i)); err != nil {
				t.Error(err)
			}
		})
	}
	for range programs {
		writers.Go(func() {
			c := exec.CommandContext(t.Context(), os.Args[0])
			c.Env = append(os.Environ(), writes+"="+f.name)
			if out, err := c.CombinedOutput(); err != nil {
				t.Errorf("%v: %s", err, out)
			}
		})
	}
	done := make(chan struct{})
	go func() {
		writers.Wait()
		close(done)
	}()
	for last := 0; ; {
		n := len(load(t, f).Keys)
		if n < last {
			t.Errorf("%d keys after %d", n, last)
		}
		last = n
		select {
		case <-done:
			if n := len(load(t, f).Keys); n != each*(goroutines+programs) {
				t.Errorf("%d keys", n)
			}
			left, err := filepath.Glob(f.name + ".new-*")
			if err != nil || len(left) > 0 {
				t.Errorf("left over: %v, %v", left, err)
			}
			return
		default:
		}
	}
}

func TestADamagedFileIsAnErrorAndStaysAsItIs(t *testing.T) {
	t.Parallel()
	for text, says := range map[string]string{
		"":                               "no file of API keys",
		"{":                              "no file of API keys",
		`{"version":2}`:                  "its version is 2",
		`{"version":1,"keys":[]}`:        "no file of API keys",
		`{"version":1,"blocks":{"a":1}}`: "no file of API keys",
	} {
		f := fresh(t)
		if err := os.WriteFile(f.name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := f.Load(t.Context()); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %v", text, err)
		}
		if err := f.PutBlock(t.Context(), "eve", auth.Block{}); err == nil {
			t.Errorf("%q was written over", text)
		}
		if now, err := os.ReadFile(f.name); err != nil || string(now) != text {
			t.Errorf("%q is now %q, %v", text, now, err)
		}
	}
	nowhere := New(filepath.Join(t.TempDir(), "no", "auth.json"))
	if err := nowhere.PutBlock(t.Context(), "eve", auth.Block{}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no folder: %v", err)
	}
}

// A server that was given the name of a file in a folder that is not there knew no keys
// and no blocks, and did not say so.
func TestAFileWithoutItsFolderIsAnError(t *testing.T) {
	t.Parallel()
	f := New(filepath.Join(t.TempDir(), "not", "auth.json"))
	if _, err := f.Load(t.Context()); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "make it") {
		t.Error(err)
	}
}

func TestALockThatIsHeldIsWaitedForNoLongerThanOneMay(t *testing.T) {
	t.Parallel()
	f := fresh(t)
	unlock, err := lock(t.Context(), f.name+".lock")
	if err != nil {
		t.Fatal(err)
	}
	short, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
	defer cancel()
	if err := f.PutBlock(short, "eve", auth.Block{}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("locked: %v", err)
	}
	if err := unlock(); err != nil {
		t.Fatal(err)
	}
	if err := f.PutBlock(t.Context(), "eve", auth.Block{}); err != nil {
		t.Errorf("unlocked: %v", err)
	}
}

func TestAnotherProgramsChangeIsHeardOf(t *testing.T) {
	t.Parallel()
	f := fresh(t)
	l := auth.NewLedger(New(f.name), slog.New(slog.DiscardHandler))
	blocked := make(chan string, 1)
	l.OnBlocked(func(id string, _ auth.Block) { blocked <- id })
	if err := l.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	l.Follow(t.Context())
	t.Cleanup(l.Close)
	if err := f.PutBlock(t.Context(), "eve", auth.Block{}); err != nil {
		t.Fatal(err)
	}
	select {
	case id := <-blocked:
		if _, is := l.Blocked("eve"); id != "eve" || !is {
			t.Errorf("heard of %q", id)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("the block was not heard of")
	}
}

// FuzzFile reads files that somebody may have written by hand.
func FuzzFile(f *testing.F) {
	f.Add(`{"version":1,"keys":{"a":{"hash":"h","scopes":["read"],"rooms":["*"],"created":"2030-01-01T00:00:00Z"}},"blocks":{"eve":{"since":"2030-01-01T00:00:00Z"}}}`)
	f.Add(`{"version":1}`)
	f.Add(`{"keys":null}`)
	f.Fuzz(func(t *testing.T, text string) {
		file := fresh(t)
		if err := os.WriteFile(file.name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		e, err := file.Load(t.Context())
		if err == nil && (e.Keys == nil || e.Blocks == nil) {
			t.Errorf("%q: %+v", text, e)
		}
	})
}
