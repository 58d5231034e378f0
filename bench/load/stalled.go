package load

import "time"

const (
	// resumeQuiet is how long nothing may arrive until the clients that had
	// stalled have read what there was; resumeLimit bounds all of it.
	resumeQuiet = 300 * time.Millisecond
	resumeLimit = 5 * time.Second
)

// returned is the app of clients that read on after they had stalled. What they get
// is not judged.
type returned struct{ closed int }

func (*returned) packet(*client, packet) {}

func (a *returned) gone(*client, error) { a.closed++ }

// resume has the clients that stalled read on, and counts those that the server
// has ended. Only reading tells: the end stands behind what was sent before.
func (r *run) resume() error {
	app := &returned{}
	for _, c := range r.stalled {
		c.app = app
		if err := c.tr.attach(r.loop); err != nil {
			return err
		}
	}
	quiet, last := time.Now(), r.loop.received()
	for until := quiet.Add(resumeLimit); app.closed < len(r.stalled); {
		if err := r.loop.wait(20 * time.Millisecond); err != nil {
			return err
		}
		now := time.Now()
		if n := r.loop.received(); n != last {
			quiet, last = now, n
		}
		if now.Sub(quiet) > resumeQuiet || now.After(until) {
			break
		}
	}
	r.res.StalledClosed = app.closed
	return nil
}

func (r *run) closeStalled() {
	for _, c := range r.stalled {
		c.tr.close()
	}
}
