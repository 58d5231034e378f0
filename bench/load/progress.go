package load

import "time"

// Phase is where a run stands.
type Phase string

// The phases, in their order; a run leaves out what its kind does not have.
const (
	Connecting Phase = "connecting" // clients connect and join
	Settling   Phase = "settling"   // idle: waiting for memory to stand still
	Holding    Phase = "holding"    // idle: clients stay, and nothing is said
	WarmingUp  Phase = "warming up" // traffic before the figures are taken
	Measuring  Phase = "measuring"  // traffic that counts
	Draining   Phase = "draining"   // nothing is said any more; what is in flight is awaited
)

// Progress is a moment of a run.
type Progress struct {
	Phase Phase
	// Done is the share of the phase that is over, 0 to 1, as far as it can be
	// known: of the clients while connecting, else of the time or the messages.
	Done float64
	// Units counts up within the phase: clients while connecting, and what
	// Result.Units counts while measuring. 0 in the other phases.
	Units int64
}

// Option changes how a run behaves, not what it does.
type Option func(*run)

// OnProgress has f called about ten times a second and at the beginning of each
// phase, on the goroutine that called Run. f must not block: the clients wait for it.
func OnProgress(f func(Progress)) Option { return func(r *run) { r.onProgress = f } }

const progressStep = 100 * time.Millisecond

// tell reports progress, unless it has just done so.
func (r *run) tell(phase Phase, done float64, units int64) {
	if r.onProgress == nil {
		return
	}
	now := time.Now()
	if phase == r.shown && now.Sub(r.reported) < progressStep {
		return
	}
	r.shown, r.reported = phase, now
	r.onProgress(Progress{Phase: phase, Done: min(max(done, 0), 1), Units: units})
}

// shareOf is how much of d has passed at now when it ends at until.
func shareOf(d time.Duration, until, now time.Time) float64 {
	if d <= 0 {
		return 1
	}
	return 1 - float64(until.Sub(now))/float64(d)
}
