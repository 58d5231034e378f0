package socketio

// Miss says why a client that asked for the session it had got another one. The set is
// closed; it is a label of the metrics. As an error of RecoveryAdapter.Restore it says
// that nothing went wrong.
type Miss string

var _ error = Miss("")

// The outcomes of asking for a session. The first is none that missed.
const (
	RecoveryHit    Miss = "recovered"
	MissUnknown    Miss = "unknown session" // none is kept: it expired, gave way to others or never was
	MissIncomplete Miss = "incomplete"      // what was missed is not kept, or cannot be told for certain
	MissUnsaved    Miss = "never saved"     // the session could not be saved when it began
	MissLeft       Miss = "left"            // the socket was disconnected for good
	MissOtherUser  Miss = "other user"      // somebody else than the user of the session asked
	MissAway       Miss = "adapter away"    // what is kept cannot be reached
	MissFailed     Miss = "failed"          // an error, which is logged
	MissMalformed  Miss = "malformed"       // what was asked for can be no session
)

// Error says so.
func (m Miss) Error() string { return "socketio: session not recovered: " + string(m) }

// RecoveryOutcomes lists them.
func RecoveryOutcomes() []Miss {
	return []Miss{
		RecoveryHit, MissUnknown, MissIncomplete, MissUnsaved, MissLeft, MissOtherUser, MissAway, MissFailed, MissMalformed,
	}
}
