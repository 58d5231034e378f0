package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Limits of a group of writes that share a transaction.
const (
	maxGroup     = 128
	groupTimeout = 2 * time.Minute // a database that hangs longer is taken for gone
)

// errUndo has a write that found nothing to do rolled back, and no error returned.
var errUndo = errors.New("nothing to do")

var errClosed = errors.New("the store is closed")

// writer is the one goroutine that writes. What is handed to it while it is busy comes into one
// transaction, in which each write has a savepoint; callers hear of it after COMMIT.
type writer struct {
	d    *database
	jobs chan *job
	stop chan struct{}
	done chan struct{}
	once sync.Once
	ids  ids // of the goroutine
}

// job is a write. f may be called twice, where a deadlock ended the first transaction.
type job struct {
	site  string // whose row is locked before, or ""
	f     func(context.Context, *tx) error
	err   error
	taken atomic.Bool // by the writer, or by a caller that gave up
	done  chan struct{}
}

func startWriter(ctx context.Context, d *database) *writer {
	w := &writer{d: d, jobs: make(chan *job, maxGroup), stop: make(chan struct{}), done: make(chan struct{})}
	go w.run(context.WithoutCancel(ctx)) // it ends with the store

	return w
}

// close waits for the transaction that is running.
func (w *writer) close() {
	w.once.Do(func() { close(w.stop) })
	<-w.done
}

// write runs f in a transaction and returns after its COMMIT. site, where it is not "", is a site that has to be
// there. While f has not begun, ctx ends the waiting; afterwards what becomes of it is told.
func (d *database) write(ctx context.Context, site string, f func(context.Context, *tx) error) error {
	j := &job{site: site, f: f, done: make(chan struct{})}
	w := d.writer
	select {
	case <-w.stop:
		return errClosed
	default:
	}
	select {
	case w.jobs <- j:
	case <-ctx.Done():
		return ctx.Err()
	case <-w.stop:
		return errClosed
	}
	select {
	case <-j.done:
		return j.err
	case <-ctx.Done():
		if j.taken.CompareAndSwap(false, true) {
			return ctx.Err()
		}
	case <-w.done:
		if j.taken.CompareAndSwap(false, true) {
			return errClosed
		}
	}
	<-j.done
	return j.err
}

func (w *writer) run(ctx context.Context) {
	defer close(w.done)
	for {
		select {
		case <-w.stop:
			return
		case first := <-w.jobs:
			w.serve(ctx, w.group(first))
		}
	}
}

// group takes along what waits already.
func (w *writer) group(first *job) []*job {
	var jobs []*job
	next := first
	for {
		if next.taken.CompareAndSwap(false, true) {
			jobs = append(jobs, next)
		}
		if len(jobs) == maxGroup {
			return jobs
		}
		select {
		case next = <-w.jobs:
		default:
			return jobs
		}
	}
}

func (w *writer) serve(ctx context.Context, jobs []*job) {
	if len(jobs) == 0 {
		return
	}
	// All nodes lock sites in the order of their names, so that none waits for another in a circle.
	slices.SortStableFunc(jobs, func(a, b *job) int { return strings.Compare(a.site, b.site) })
	err := w.transact(ctx, jobs)
	for _, j := range jobs {
		switch {
		case deadlocked(err):
			if again := w.transact(ctx, []*job{j}); again != nil {
				j.err = again
			}
		case err != nil:
			j.err = err
		}
	}
	for _, j := range jobs {
		if errors.Is(j.err, errUndo) {
			j.err = nil
		}
		close(j.done)
	}
}

// transact runs jobs in one transaction. Its error holds for all of them; an error of one is in the job.
func (w *writer) transact(ctx context.Context, jobs []*job) (err error) {
	ctx, cancel := context.WithTimeout(ctx, groupTimeout)
	defer cancel()
	t, err := w.d.writes.BeginTx(ctx, nil)
	if lost(err) {
		t, err = w.d.writes.BeginTx(ctx, nil) // nothing was done yet
	}
	if err != nil {
		return fmt.Errorf("beginning a transaction: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, t.Rollback())
		}
	}()
	x := &tx{runner: runner{on: t}, d: w.d, heads: map[string]*head{}}
	for _, j := range jobs {
		j.err = x.run(ctx, j)
		if deadlocked(j.err) || errors.Is(j.err, errBroken) {
			return j.err
		}
	}
	if err := x.settle(ctx); err != nil {
		return err
	}
	if err := t.Commit(); err != nil {
		return fmt.Errorf("committing: %w", err)
	}
	return nil
}

// errBroken is for a transaction in which nothing more can be done.
var errBroken = errors.New("the transaction is broken")

// tx is a transaction, and how far the sites are that it changes.
type tx struct {
	runner
	d     *database
	heads map[string]*head // locked
	head  *head            // of the site of the job that runs
}

// head is the row of a site, of which nobody else has more than a look until the transaction ends.
type head struct {
	seq, tally, floor int64
	hooked            bool
	changed           bool
}

// nextSeq is the number of a change.
func (x *tx) nextSeq() int64 {
	x.head.seq++
	x.head.changed = true
	return x.head.seq
}

func (x *tx) nextTally() int64 {
	x.head.tally++
	x.head.changed = true
	return x.head.tally
}

// run runs a job in a savepoint.
func (x *tx) run(ctx context.Context, j *job) error {
	x.head = nil
	var before head
	if j.site != "" {
		h, err := x.lock(ctx, j.site)
		if err != nil {
			return err
		}
		x.head, before = h, *h
	}
	if _, err := x.exec(ctx, "SAVEPOINT one"); err != nil {
		return errors.Join(errBroken, err)
	}
	problem := j.f(ctx, x)
	if problem == nil {
		if _, err := x.exec(ctx, "RELEASE SAVEPOINT one"); err != nil {
			return errors.Join(errBroken, err)
		}
		return nil
	}
	if deadlocked(problem) {
		return problem
	}
	for _, undo := range []string{"ROLLBACK TO SAVEPOINT one", "RELEASE SAVEPOINT one"} {
		if _, err := x.exec(ctx, undo); err != nil {
			return errors.Join(errBroken, problem, err)
		}
	}
	if x.head != nil {
		*x.head = before
	}
	return problem
}

// lock reads how far a site is, and keeps others from changing it. It happens outside savepoints,
// because rolling back to one would unlock it.
func (x *tx) lock(ctx context.Context, site string) (*head, error) {
	if h := x.heads[site]; h != nil {
		return h, nil
	}
	h := &head{}
	err := x.one(ctx, "SELECT seq, tally, floor, hooked FROM sites WHERE name = $1"+x.d.dialect.lock, []any{site},
		&h.seq, &h.tally, &h.floor, &h.hooked)
	if errors.Is(err, ErrNotFound) {
		return nil, fmt.Errorf("site %q: %w", site, ErrNotFound)
	}
	if err != nil {
		return nil, errors.Join(errBroken, err)
	}
	x.heads[site] = h
	return h, nil
}

// settle writes how far the sites are. Until COMMIT they are locked, so changes are committed in
// the order of their numbers.
func (x *tx) settle(ctx context.Context) error {
	for name, h := range x.heads {
		if !h.changed {
			continue
		}
		if _, err := x.exec(ctx, "UPDATE sites SET seq = $2, tally = $3, floor = $4 WHERE name = $1", name, h.seq, h.tally, h.floor); err != nil {
			return fmt.Errorf("writing how far site %q is: %w", name, err)
		}
	}
	return nil
}
