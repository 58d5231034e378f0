package carry

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"hash"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sockeye-io/sockeye/server/nodes"
)

// The headers between nodes. See doc.go for their format.
const (
	headerCarried = "Sockeye-Carried"
	headerNode    = "Sockeye-Node"
	headerRefused = "Sockeye-Carry-Refused"
)

// The version of headerCarried. A minor version only adds fields.
const (
	versionMajor = "1"
	version      = versionMajor + ".0"
)

// What a node may ask of another by headerCarried.
const (
	askAlive   = "alive"
	askRelease = "release"
	askEnd     = "end"
)

// maxSkew is how far the clocks of two nodes may differ, and so how old a carried
// request may be.
const maxSkew = 60 * time.Second

// keyContext separates the key of this header from others made of the same secret.
const keyContext = "sockeye carried request 1"

// credentials are the fields of headerCarried.
type credentials struct {
	from string
	at   int64 // Unix seconds
	addr string
	tls  bool
	ask  string // "" for a client's request
}

// Why a carried request is not accepted. The texts are sent to the other node.
var (
	errMalformed = errors.New("the header cannot be read")
	errVersion   = errors.New("the nodes speak versions that do not go together: bring them to releases closer to each other")
	errSignature = errors.New("the signature is wrong: the nodes have different cluster secrets")
	errTooOld    = fmt.Errorf("the clocks of the nodes differ by more than %d seconds", int(maxSkew.Seconds()))
)

// sealer writes and checks headerCarried.
type sealer struct {
	secrets nodes.Secrets
	keys    atomic.Pointer[[]*key] // of the secrets in use, the newest first
}

// key is a secret with the state of its HMAC, which is dear to make.
type key struct {
	secret []byte
	states sync.Pool // of *state
}

// state is what one signature needs.
type state struct {
	mac  hash.Hash
	text []byte
	sum  [sha256.Size]byte
}

func newKey(secret []byte) *key {
	derived := hmac.New(sha256.New, secret)
	derived.Write([]byte(keyContext))
	sum := derived.Sum(nil)
	k := &key{secret: slices.Clone(secret)}
	k.states.New = func() any { return &state{mac: hmac.New(sha256.New, sum)} }
	return k
}

// sign calls use with the signature of a request and the fields of its header.
func sign[T string | []byte](k *key, method, uri string, fields T, use func(sum []byte)) {
	s := k.states.Get().(*state) //nolint:errcheck // the pool holds nothing else
	defer k.states.Put(s)
	s.text = append(append(s.text[:0], method...), '\n')
	s.text = append(append(s.text, uri...), '\n')
	s.text = append(s.text, fields...)
	s.mac.Reset()
	s.mac.Write(s.text)
	use(s.mac.Sum(s.sum[:0]))
}

// keyOf returns the key of a secret, making it if it is new.
func (s *sealer) keyOf(secret []byte) *key {
	const kept = 4
	known := s.keys.Load()
	if known != nil {
		for _, k := range *known {
			if hmac.Equal(k.secret, secret) {
				return k
			}
		}
	}
	list := []*key{newKey(secret)}
	if known != nil {
		list = append(list, (*known)[:min(len(*known), kept-1)]...)
	}
	s.keys.Store(&list) // of two that are stored at once one is made again
	return list[0]
}

// append appends the header's value, or reports false while there is no secret.
func (s *sealer) append(b []byte, method, uri string, c *credentials) ([]byte, bool) {
	secret := s.secrets.Secret()
	if secret == nil {
		return b, false
	}
	start := len(b)
	b = append(b, "v="+version+"; from="...)
	b = append(b, c.from...)
	b = append(b, "; at="...)
	b = strconv.AppendInt(b, c.at, 10)
	b = append(b, "; addr="...)
	b = append(b, plain(c.addr)...)
	b = append(b, "; tls="...)
	if c.tls {
		b = append(b, '1')
	} else {
		b = append(b, '0')
	}
	if c.ask != "" {
		b = append(b, "; ask="...)
		b = append(b, c.ask...)
	}
	sign(s.keyOf(secret), method, uri, b[start:], func(sum []byte) {
		b = base64.RawURLEncoding.AppendEncode(append(b, "; mac="...), sum)
	})
	return b, true
}

// plain keeps an address that is none of the network, such as that of a pipe, from
// breaking the header.
func plain(addr string) string {
	if strings.ContainsAny(addr, "; \t\r\n") {
		return "unknown"
	}
	return addr
}

// open checks a header's value and returns its fields.
func (s *sealer) open(value, method, uri string, now time.Time) (credentials, error) {
	fields, sum, ok := strings.Cut(value, "; mac=")
	given, err := base64.RawURLEncoding.DecodeString(sum)
	if !ok || err != nil {
		return credentials{}, errMalformed
	}
	c, err := parseFields(fields)
	if err != nil {
		return credentials{}, err
	}
	genuine := false
	for _, secret := range s.secrets.Accepted() {
		sign(s.keyOf(secret), method, uri, fields, func(sum []byte) { genuine = genuine || hmac.Equal(sum, given) })
	}
	if !genuine {
		return credentials{}, errSignature
	}
	if age := now.Unix() - c.at; age > int64(maxSkew.Seconds()) || -age > int64(maxSkew.Seconds()) {
		return credentials{}, errTooOld
	}
	return c, nil
}

// parseFields reads what stands before the signature. Fields that it does not know
// are those of a newer minor version.
func parseFields(fields string) (credentials, error) {
	var c credentials
	var known string
	for rest := fields; rest != ""; {
		var field string
		field, rest, _ = strings.Cut(rest, "; ")
		name, value, ok := strings.Cut(field, "=")
		if !ok {
			return c, errMalformed
		}
		switch name {
		case "v":
			known = value
		case "from":
			c.from = value
		case "at":
			at, err := strconv.ParseInt(value, 10, 64)
			if err != nil {
				return c, errMalformed
			}
			c.at = at
		case "addr":
			c.addr = value
		case "tls":
			c.tls = value == "1"
		case "ask":
			c.ask = value
		}
	}
	if major, _, ok := strings.Cut(known, "."); !ok || major != versionMajor {
		if known == "" {
			return c, errMalformed
		}
		return c, errVersion
	}
	if c.from == "" || c.addr == "" {
		return c, errMalformed
	}
	return c, nil
}
