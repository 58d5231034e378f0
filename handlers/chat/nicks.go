package chat

import (
	"encoding/json"
	"errors"
	"log/slog"
	"strconv"
	"time"

	"github.com/sockeye-io/sockeye/server/presence"
)

// claim is the meta of a user: the nickname, and since when in milliseconds since 1970.
// Of two users with the same one it is his who has it longer, and of two who took it in
// the same millisecond, on two nodes, his whose id is the lesser: all nodes find the
// same.
type claim struct {
	Nick string `json:"nick"`
	At   int64  `json:"at"`

	compared string // nick as it is compared
}

// before reports whether the claim of one user goes before that of another.
func (c claim) before(id string, other claim, otherID string) bool {
	if c.At != other.At {
		return c.At < other.At
	}
	return id < otherID
}

// given is, instead of a time, since when a user has a nickname that the site gave: before all who chose one.
const given = 1

// maxNumbered bounds the search for a free nickname, which keeps everyone waiting.
const maxNumbered = 50

// disputeAfter is how long after a dispute that was not settled it is looked at again:
// the node that is to settle it may not have heard of it yet, or be gone.
const disputeAfter = 3 * time.Second

// claimOf reads the meta of a user, who is a guest if there is none.
func claimOf(id string, meta json.RawMessage) claim {
	var c claim
	if len(meta) == 0 || json.Unmarshal(meta, &c) != nil || c.Nick == "" {
		c = claim{Nick: guestNick(id)}
	}
	return c
}

func nickOf(id string, meta json.RawMessage) string { return claimOf(id, meta).Nick }

// freeLocked returns a claim to a nickname that nobody else is known to have, as near to
// the one that is wanted as can be. Of a name that the site gave those who chose it are no
// hindrance: they get another one when they hear of it.
func (h *hall) freeLocked(id, wanted string, named bool) claim {
	at := h.now().UnixMilli()
	if named {
		at, wanted = given, string(first([]rune(wanted), h.opts.MaxNick))
	}
	nick, compared, err := h.checkNick(wanted)
	if err != nil {
		nick, compared, err = checkNick(guestNick(id), len("Guest 0000"))
		if err != nil {
			nick, compared = id, id // cannot be: a guest's name is plain letters
		}
	}
	base := []rune(nick)
	for n := 2; h.takenLocked(compared, id, named); n++ {
		if n > maxNumbered { // many want this name; an id is nobody else's
			nick, compared = shortID(id), shortID(id)
			break
		}
		suffix := " " + strconv.Itoa(n)
		cut := string(first(base, max(1, h.opts.MaxNick-len(suffix)))) + suffix
		_, key, err := checkNick(cut, h.opts.MaxNick+len(suffix))
		if err != nil { // some names are none any more when they are cut, wherever that is
			base = []rune(guestNick(id))
			continue
		}
		nick, compared = cut, key
	}
	return claim{Nick: nick, At: at, compared: compared}
}

func first(runes []rune, most int) []rune { return runes[:min(len(runes), most)] }

// checkNick also refuses a nickname that is too long for the meta of a user.
func (h *hall) checkNick(nick string) (shown, compared string, err error) {
	shown, compared, err = checkNick(nick, h.opts.MaxNick)
	if err != nil {
		return "", "", err
	}
	if text, err := json.Marshal(claim{Nick: shown, At: h.now().UnixMilli()}); err != nil || len(text) > presence.MaxMeta-8 {
		return "", "", &refusal{"bad_nick", "the nickname takes more bytes than there are for it"}
	}
	return shown, compared, nil
}

// takenLocked reports whether somebody else has a nickname; for a name that the site
// gave, whether it gave it to somebody else.
func (h *hall) takenLocked(compared, id string, named bool) bool {
	for other := range h.nicks[compared] {
		if other != id && (!named || h.claims[other].At == given) {
			return true
		}
	}
	return false
}

// rename gives a user another nickname and tells all tabs of the user; the rooms hear of
// it from presence.
func (h *hall) rename(c connection, nick string) (User, error) {
	nick, compared, err := h.checkNick(nick)
	if err != nil {
		return User{}, err
	}
	u, changed, err := h.renameUser(c, nick, compared)
	if err == nil && changed {
		h.tellRenamed(u)
	}
	return u, err
}

// tellRenamed tells the tabs of a user. One that does not hear it now does when it
// connects next.
func (h *hall) tellRenamed(u User) {
	if err := h.voice.toUsers("you", map[string]User{"user": u}, u.ID); err != nil {
		h.opts.Logger.Debug("chat: a user was not told of a nickname", slog.Any("error", err))
	}
}

func (h *hall) renameUser(c connection, nick, compared string) (now User, changed bool, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	t, err := h.tabLocked(c)
	if err != nil {
		return User{}, false, err
	}
	if t.named {
		return User{}, false, &refusal{"forbidden", "this site gives you your name; it cannot be changed here"}
	}
	was := h.claims[t.user]
	if was.Nick == nick {
		return h.shownLocked(t.user), false, nil
	}
	for other := range h.nicks[compared] {
		if other != t.user {
			return User{}, false, &refusal{"nick_taken", "somebody here is called " + h.claims[other].Nick + " already"}
		}
	}
	next := claim{Nick: nick, At: h.now().UnixMilli()}
	if compared == was.compared {
		next.At = was.At // in other letters: it was this user's before
	}
	return h.claimLocked(t.user, next)
}

// claimLocked writes a claim of a user who is on this node.
func (h *hall) claimLocked(id string, c claim) (now User, changed bool, err error) {
	err = h.people.SetMeta(id, c)
	if errors.Is(err, presence.ErrUnknown) {
		err = &refusal{"not_here", "this connection is gone"}
	}
	h.learnLocked(id)
	return h.shownLocked(id), err == nil, err
}

// learnLocked makes the claims what presence says of a user.
func (h *hall) learnLocked(id string) {
	old, had := h.claims[id]
	u, here := h.people.User(id)
	var c claim
	if here && len(u.Meta) > 0 {
		c = claimOf(id, u.Meta)
		_, c.compared, _ = checkNick(c.Nick, len(c.Nick)) // another node has checked it; at worst it is not compared
	}
	if had && old.compared != c.compared {
		delete(h.nicks[old.compared], id)
		if len(h.nicks[old.compared]) == 0 {
			delete(h.nicks, old.compared)
		}
	}
	if c.Nick == "" {
		delete(h.claims, id)
		return
	}
	h.claims[id] = c
	if c.compared == "" {
		return
	}
	if h.nicks[c.compared] == nil {
		h.nicks[c.compared] = make(map[string]struct{})
	}
	h.nicks[c.compared][id] = struct{}{}
}

// settle ends a dispute about a nickname: all but one get another. Each is renamed by
// one node.
func (h *hall) settle(compared string) {
	for _, u := range h.settleUsers(compared) {
		h.tellRenamed(u)
	}
}

func (h *hall) settleUsers(compared string) (renamed []User) {
	h.mu.Lock()
	defer h.mu.Unlock()
	all := h.nicks[compared]
	if len(all) < 2 || compared == "" {
		return nil
	}
	winner := ""
	for id := range all {
		if winner == "" || h.claims[id].before(id, h.claims[winner], winner) {
			winner = id
		}
	}
	var losers []string
	for id := range all {
		if id != winner && h.people.SpeaksFor(id) {
			losers = append(losers, id)
		}
	}
	for _, id := range losers {
		if u, changed, err := h.claimLocked(id, h.freeLocked(id, h.claims[id].Nick, h.claims[id].At == given)); err == nil && changed {
			renamed = append(renamed, u)
		}
	}
	if len(h.nicks[compared]) > 1 && h.disputes[compared] == nil && h.ended.Err() == nil {
		h.disputes[compared] = time.AfterFunc(disputeAfter, func() {
			h.mu.Lock()
			delete(h.disputes, compared)
			h.mu.Unlock()
			h.settle(compared)
		})
	}
	return renamed
}

// shownLocked is how others see a user.
func (h *hall) shownLocked(id string) User {
	if c, ok := h.claims[id]; ok {
		return User{ID: id, Nick: c.Nick}
	}
	return User{ID: id, Nick: guestNick(id)}
}
