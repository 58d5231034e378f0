package chat

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/secure/precis"

	"github.com/sockeye-io/sockeye/server/presence"
	"github.com/sockeye-io/sockeye/server/visitor"
)

// maxShortID is the length in bytes of an id that can be shown as a nickname.
const maxShortID = 32

// maxKey is the length in bytes of the key that makes a message safe to repeat.
const maxKey = 64

// refusal is an error that the client is told: the code and message of its ack.
type refusal struct{ code, message string }

func (r *refusal) Error() string { return r.code + ": " + r.message }

// userID is the public id of the user of a secret.
func userID(secret string) (string, error) {
	id, err := visitor.ID(secret)
	if err != nil {
		return "", &refusal{visitor.CodeBadSecret, err.Error()}
	}
	return id, nil
}

// guestNick names a user that gave no nickname; the same user is the same guest.
func guestNick(id string) string {
	sum := sha256.Sum256([]byte(id))
	return "Guest " + strings.ToUpper(hex.EncodeToString(sum[:2]))
}

// shortID stands for an id of whatever length that the site gave.
func shortID(id string) string {
	if len(id) <= maxShortID {
		return id
	}
	sum := sha256.Sum256([]byte(id))
	return base64.RawURLEncoding.EncodeToString(sum[:12])
}

// checkNick returns the nickname as it is shown and the form under which it is
// compared, by the Nickname profile of PRECIS (RFC 8266).
func checkNick(nick string, limit int) (shown, compared string, err error) {
	shown, err = checkName(nick, limit, "bad_nick", "nickname")
	if err != nil {
		return "", "", err
	}
	compared, err = precis.Nickname.CompareKey(shown)
	if err != nil {
		return "", "", &refusal{"bad_nick", "the nickname has a character that a name cannot have"}
	}
	return shown, compared, nil
}

// checkRoom returns the one form of a room's name, in which letter case and width are
// folded, so that nobody waits in "Lobby" for those in "lobby".
func checkRoom(room string, limit int) (string, error) {
	shown, err := checkName(room, limit, "bad_room", "room's name")
	if err != nil {
		return "", err
	}
	folded, err := precis.Nickname.CompareKey(shown)
	if err != nil {
		return "", &refusal{"bad_room", "the room's name has a character that a name cannot have"}
	}
	if len(folded) > presence.MaxName {
		return "", &refusal{"bad_room", "the room's name is longer than " + strconv.Itoa(presence.MaxName) + " bytes"}
	}
	return folded, nil
}

func checkName(name string, limit int, code, what string) (string, error) {
	if len(name) > 8*limit { // do not normalize what is far too long in any case
		return "", &refusal{code, "the " + what + " is longer than " + strconv.Itoa(limit) + " characters"}
	}
	if strings.TrimSpace(name) == "" {
		return "", &refusal{code, "the " + what + " is empty"}
	}
	shown, err := precis.Nickname.String(name)
	if err != nil {
		return "", &refusal{code, "the " + what + " has a character that a name cannot have"}
	}
	if utf8.RuneCountInString(shown) > limit {
		return "", &refusal{code, "the " + what + " is longer than " + strconv.Itoa(limit) + " characters"}
	}
	return shown, nil
}

// checkText returns the text of a message without control characters and without
// space around it.
func checkText(text string, limit int) (string, error) {
	text = strings.TrimSpace(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && r != '\n' && r != '\t' {
			return -1
		}
		return r
	}, text))
	if text == "" {
		return "", &refusal{"empty", "the text is empty"}
	}
	if utf8.RuneCountInString(text) > limit {
		return "", &refusal{"too_long", "the text is longer than " + strconv.Itoa(limit) + " characters"}
	}
	return strings.Clone(text), nil // without the space that was sent around it, which may be much
}

func checkKey(key string) error {
	if len(key) > maxKey {
		return &refusal{"too_long", "the key is longer than " + strconv.Itoa(maxKey) + " bytes"}
	}
	return nil
}
