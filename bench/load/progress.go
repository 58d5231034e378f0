package load

// Phase is where a run stands.
type Phase string

// The phases, in their order; a run leaves out what its kind does not have.
const (
	Connecting Phase = "connecting" // clients connect and join
	Settling   Phase = "settling"   // idle: waiting for memory to stand still
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
