package token

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"go.uber.org/goleak"

	"github.com/sockeye-io/sockeye/server/auth"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// Keys of the tests, made once.
var (
	secret   = []byte(strings.Repeat("0123456789abcdef", 4))
	rsaKey   = sync.OnceValue(func() *rsa.PrivateKey { return must(rsa.GenerateKey(rand.Reader, 2048)) })
	ecKey    = sync.OnceValue(func() *ecdsa.PrivateKey { return must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)) })
	edKey    = sync.OnceValue(func() ed25519.PrivateKey { _, k, err := ed25519.GenerateKey(rand.Reader); return must(k, err) })
	otherKey = sync.OnceValue(func() *rsa.PrivateKey { return must(rsa.GenerateKey(rand.Reader, 2048)) })
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// now is the time of the tests.
var now = time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)

func verifier(ks Keys, edit func(*Options)) *Verifier {
	o := Options{Keys: ks, Leeway: 30 * time.Second, Now: func() time.Time { return now }}
	if edit != nil {
		edit(&o)
	}
	return NewVerifier(o)
}

// sign signs claims with any method, whatever the key is for.
func sign(t testing.TB, alg string, key any, header map[string]any, claims string) string {
	t.Helper()
	m := jwt.GetSigningMethod(alg)
	h := map[string]any{"alg": alg, "typ": "JWT"}
	for k, v := range header {
		h[k] = v
	}
	text := encoded(must(json.Marshal(h))) + "." + encoded([]byte(claims))
	sig, err := m.Sign(text, key)
	if err != nil {
		t.Fatal(err)
	}
	return text + "." + encoded(sig)
}

func encoded(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func codeOf(err error) auth.Code {
	var e *auth.Error
	if errors.As(err, &e) {
		return e.Code
	}
	return ""
}

func key(t testing.TB, id, alg string, material any) Key {
	t.Helper()
	k, err := newKey(id, alg, material)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

const alice = `{"sub":"alice"}`

func TestEveryAlgorithmVerifiesItsOwnTokensOnly(t *testing.T) {
	t.Parallel()
	signers := map[string]any{HS256: secret, HS384: secret, HS512: secret, RS256: rsaKey(), ES256: ecKey(), EdDSA: edKey()}
	kinds := map[string]Keys{
		"HS":  {key(t, "", "", secret)},
		RS256: {key(t, "", "", &rsaKey().PublicKey)},
		ES256: {key(t, "", "", &ecKey().PublicKey)},
		EdDSA: {key(t, "", "", edKey().Public())},
	}
	for alg, signer := range signers {
		text := sign(t, alg, signer, nil, alice)
		for kind, ks := range kinds {
			p, err := verifier(ks, nil).Verify(t.Context(), text)
			if strings.HasPrefix(alg, kind) {
				if err != nil || p.ID != "alice" || p.Method != auth.MethodToken || !p.Expires.IsZero() {
					t.Errorf("%s: %+v, %v", alg, p, err)
				}
			} else if codeOf(err) != auth.CodeInvalidToken {
				t.Errorf("%s with a key for %s: %+v, %v", alg, kind, p, err)
			}
		}
	}
}

// Attacks on what chooses algorithm and key (RFC 8725, section 2).
func TestTheTokenDoesNotChooseHowItIsVerified(t *testing.T) {
	t.Parallel()
	public := &rsaKey().PublicKey
	spki := must(x509.MarshalPKIXPublicKey(public))
	asPEM := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: spki})
	ks := Keys{key(t, "rsa", "", public), key(t, "hs", HS512, secret), key(t, "ec", "", &ecKey().PublicKey)}
	v := verifier(ks, nil)
	good := sign(t, RS256, rsaKey(), map[string]any{"kid": "rsa"}, alice)
	if _, err := v.Verify(t.Context(), good); err != nil {
		t.Fatal(err)
	}
	parts := strings.Split(good, ".")
	own := must(json.Marshal(map[string]any{"kty": "oct", "k": encoded([]byte("attacker"))}))
	for what, text := range map[string]string{
		"none":                          sign(t, "none", jwt.UnsafeAllowNoneSignatureType, nil, alice),
		"none, in other letters":        encoded([]byte(`{"alg":"nOnE"}`)) + "." + encoded([]byte(alice)) + ".",
		"none, with the signature":      encoded([]byte(`{"alg":"none"}`)) + "." + parts[1] + "." + parts[2],
		"no alg":                        encoded([]byte(`{"kid":"rsa"}`)) + "." + parts[1] + "." + parts[2],
		"alg of a wrong type":           encoded([]byte(`{"alg":["RS256"],"kid":"rsa"}`)) + "." + parts[1] + "." + parts[2],
		"HS256 by the public key's PEM": sign(t, HS256, asPEM, map[string]any{"kid": "rsa"}, alice),
		"HS256 by the public key's DER": sign(t, HS256, spki, map[string]any{"kid": "rsa"}, alice),
		"HS256 by n of the public key":  sign(t, HS256, public.N.Bytes(), nil, alice),
		"HS256 where the alg is HS512":  sign(t, HS256, secret, map[string]any{"kid": "hs"}, alice),
		"an empty secret":               sign(t, HS256, []byte{}, nil, alice),
		"another's kid":                 sign(t, RS256, rsaKey(), map[string]any{"kid": "ec"}, alice),
		"an unknown kid":                sign(t, RS256, rsaKey(), map[string]any{"kid": "x"}, alice),
		"a kid that is a path":          sign(t, HS256, []byte{}, map[string]any{"kid": "../../dev/null"}, alice),
		"a kid of a wrong type":         sign(t, RS256, rsaKey(), map[string]any{"kid": 1}, alice),
		"another key":                   sign(t, RS256, otherKey(), map[string]any{"kid": "rsa"}, alice),
		"a key in the header":           sign(t, HS256, []byte("attacker"), map[string]any{"jwk": json.RawMessage(own)}, alice),
		"an address of keys":            sign(t, RS256, otherKey(), map[string]any{"jku": "http://127.0.0.1:1/"}, alice),
		"PS256":                         sign(t, "PS256", rsaKey(), map[string]any{"kid": "rsa"}, alice),
		"RS512":                         sign(t, "RS512", rsaKey(), map[string]any{"kid": "rsa"}, alice),
		"an extension that must be":     sign(t, RS256, rsaKey(), map[string]any{"kid": "rsa", "crit": []string{"b64"}, "b64": false}, alice),
		"no signature":                  parts[0] + "." + parts[1] + ".",
		"two parts":                     parts[0] + "." + parts[1],
		"five parts, as encrypted ones": good + ".." + parts[2],
		"other claims":                  parts[0] + "." + encoded([]byte(`{"sub":"root"}`)) + "." + parts[2],
		"padding":                       parts[0] + "=." + parts[1] + "." + parts[2],
		"bits that do not count":        good[:len(good)-1] + string(good[len(good)-1]+1),
		"a header that is no JSON":      encoded([]byte(`alg`)) + "." + parts[1] + "." + parts[2],
		"a header that is null":         encoded([]byte(`null`)) + "." + parts[1] + "." + parts[2],
		"nothing":                       "..",
		"a space":                       good + " ",
	} {
		if p, err := v.Verify(t.Context(), text); codeOf(err) != auth.CodeInvalidToken {
			t.Errorf("%s: %+v, %v", what, p, err)
		}
	}
	for what, claims := range map[string]string{
		"no JSON": "sub", "a list": "[]", "null": "null", "nothing": "", "two": alice + alice,
		"sub twice": `{"sub":"alice","sub":"root"}`, "exp twice": `{"sub":"alice","exp":1,"exp":9e9}`,
		"no sub": `{}`, "another case": `{"Sub":"alice"}`, "a number": `{"sub":1}`, "null rooms": `{"sub":"alice","rooms":null}`,
	} {
		text := sign(t, RS256, rsaKey(), map[string]any{"kid": "rsa"}, claims)
		if p, err := v.Verify(t.Context(), text); codeOf(err) != auth.CodeInvalidToken {
			t.Errorf("claims, %s: %+v, %v", what, p, err)
		}
	}
}

func TestWhichKeyFitsWhichToken(t *testing.T) {
	t.Parallel()
	a, b := []byte(strings.Repeat("a", 32)), []byte(strings.Repeat("b", 32))
	named := Keys{key(t, "a", "", a), key(t, "b", "", b)}
	unnamed := Keys{key(t, "", "", a), key(t, "", "", b)}
	mixed := Keys{key(t, "a", "", a), key(t, "", "", b)}
	for _, c := range []struct {
		keys   Keys
		kid    any
		signer []byte
		ok     bool
	}{
		{named, "a", a, true},
		{named, "b", b, true},
		{named, "b", a, false},
		{named, "c", a, false},
		{named, nil, b, true}, // no kid: any
		{named, "", b, true},
		{unnamed, nil, b, true},
		{unnamed, "whatever", b, true}, // keys without names fit any
		{mixed, "x", b, true},
		{mixed, "x", a, false}, // that one has a name
		{mixed, "a", b, false},
	} {
		h := map[string]any{}
		if c.kid != nil {
			h["kid"] = c.kid
		}
		_, err := verifier(c.keys, nil).Verify(t.Context(), sign(t, HS256, c.signer, h, alice))
		if (err == nil) != c.ok {
			t.Errorf("kid %v by %.1s: %v", c.kid, c.signer, err)
		}
	}
}

func TestTimesIssuerAndAudience(t *testing.T) {
	t.Parallel()
	at := func(name string, d time.Duration) string {
		return fmt.Sprintf(`{"sub":"alice",%q:%d}`, name, now.Add(d).Unix())
	}
	for _, c := range []struct {
		claims string
		edit   func(*Options)
		want   auth.Code
	}{
		{claims: at("exp", time.Second)},
		{claims: at("exp", -29*time.Second)}, // within the leeway
		{claims: at("exp", -31*time.Second), want: auth.CodeTokenExpired},
		{claims: at("exp", -31*time.Second), edit: func(o *Options) { o.Leeway = time.Minute }},
		{claims: at("exp", -time.Second), edit: func(o *Options) { o.Leeway = 0 }, want: auth.CodeTokenExpired},
		{claims: at("nbf", 29*time.Second)},
		{claims: at("nbf", 31*time.Second), want: auth.CodeInvalidToken},
		{claims: at("iat", time.Hour)}, // says when, not from when
		{claims: `{"sub":"alice","exp":"9999999999"}`, want: auth.CodeInvalidToken},
		{claims: `{"sub":"alice","exp":null}`, want: auth.CodeInvalidToken},
		{claims: `{"sub":"alice","exp":1e400}`, want: auth.CodeInvalidToken},
		{claims: `{"sub":"alice","exp":1e300}`, want: auth.CodeInvalidToken},
		{claims: `{"sub":"alice","exp":-1}`, want: auth.CodeInvalidToken},
		{claims: `{"sub":"alice","exp":0}`, want: auth.CodeTokenExpired},
		{claims: `{"sub":"alice","nbf":{}}`, want: auth.CodeInvalidToken},
		{claims: `{"sub":"alice","iss":"me"}`},
		{claims: `{"sub":"alice","iss":"me"}`, edit: func(o *Options) { o.Issuer = "me" }},
		{claims: `{"sub":"alice","iss":"you"}`, edit: func(o *Options) { o.Issuer = "me" }, want: auth.CodeInvalidToken},
		{claims: `{"sub":"alice","iss":["me"]}`, edit: func(o *Options) { o.Issuer = "me" }, want: auth.CodeInvalidToken},
		{claims: alice, edit: func(o *Options) { o.Issuer = "me" }, want: auth.CodeInvalidToken},
		{claims: `{"sub":"alice","aud":"x"}`, edit: func(o *Options) { o.Audiences = []string{"w", "x"} }},
		{claims: `{"sub":"alice","aud":["y","x"]}`, edit: func(o *Options) { o.Audiences = []string{"x"} }},
		{claims: `{"sub":"alice","aud":["y"]}`, edit: func(o *Options) { o.Audiences = []string{"x"} }, want: auth.CodeInvalidToken},
		{claims: `{"sub":"alice","aud":[]}`, edit: func(o *Options) { o.Audiences = []string{"x"} }, want: auth.CodeInvalidToken},
		{claims: `{"sub":"alice","aud":[1]}`, edit: func(o *Options) { o.Audiences = []string{"x"} }, want: auth.CodeInvalidToken},
		{claims: alice, edit: func(o *Options) { o.Audiences = []string{"x"} }, want: auth.CodeInvalidToken},
		{claims: `{"sub":"alice","iss":"you","exp":1}`, edit: func(o *Options) { o.Issuer = "me" }, want: auth.CodeInvalidToken}, // not worth a new one
	} {
		p, err := verifier(Keys{key(t, "", "", secret)}, c.edit).Verify(t.Context(), sign(t, HS256, secret, nil, c.claims))
		if codeOf(err) != c.want || (err == nil) != (c.want == "") {
			t.Errorf("%s: %+v, %v", c.claims, p, err)
		}
	}
	p, err := verifier(Keys{key(t, "", "", secret)}, nil).Verify(t.Context(), sign(t, HS256, secret, nil, at("exp", time.Minute)))
	if err != nil || !p.Expires.Equal(now.Add(time.Minute)) {
		t.Errorf("%+v, %v", p, err)
	}
}

func TestARefusalShowsNothingOfTheToken(t *testing.T) {
	t.Parallel()
	v := verifier(Keys{key(t, "", "", secret)}, nil)
	for _, text := range []string{
		"hunter2", "hunter2.hunter2.hunter2", sign(t, HS256, otherSecret, nil, `{"sub":"hunter2"}`), sign(t, HS256, secret, nil, `{"sub":"hunter2","exp":"hunter2"}`),
		sign(t, HS256, secret, nil, `{"sub":["hunter2"]}`), sign(t, HS256, secret, map[string]any{"kid": 2}, `hunter2`), sign(t, HS256, secret, map[string]any{"crit": "hunter2"}, alice),
	} {
		_, err := v.Verify(t.Context(), text)
		if err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v", text, err)
		}
	}
}

var otherSecret = []byte(strings.Repeat("x", 32))

func TestWhatIsMintedIsVerified(t *testing.T) {
	t.Parallel()
	for what, material := range map[string]any{"secret": secret, "RSA": rsaKey(), "P-256": ecKey(), "Ed25519": edKey()} {
		ks := Keys{key(t, "public only", "", otherKey().Public()), key(t, "k1", "", material)}
		text, err := Mint(ks, "", Subject{Claims: map[string]any{"sub": "alice", "rooms": []string{"a"}}, TTL: time.Hour}, now)
		if err != nil {
			t.Fatal(err)
		}
		p, err := verifier(ks, nil).Verify(t.Context(), text)
		if err != nil || p.ID != "alice" || p.Join.Match("b") || p.Expires.Before(now.Add(time.Hour)) {
			t.Errorf("%s: %+v, %v", what, p, err)
		}
		if _, err := Mint(ks, "k2", Subject{}, now); !errors.Is(err, ErrNoSigner) {
			t.Errorf("%s: another key signed: %v", what, err)
		}
	}
	if _, err := Mint(Keys{key(t, "", "", rsaKey().Public())}, "", Subject{}, now); !errors.Is(err, ErrNoSigner) {
		t.Errorf("a public key signed: %v", err)
	}
}

// FuzzVerify reads what clients show as tokens: without the secret nothing holds.
func FuzzVerify(f *testing.F) {
	v := verifier(Keys{key(f, "", "", secret), key(f, "e", "", ecKey().Public())}, nil)
	good := sign(f, HS256, secret, nil, alice)
	for _, seed := range []string{good, "a.b.c", "..", sign(f, "none", jwt.UnsafeAllowNoneSignatureType, nil, alice), good + "."} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		p, err := v.Verify(t.Context(), text)
		if err == nil && !signed(text) {
			t.Errorf("%q is %+v", text, p)
		}
		if err != nil && codeOf(err) == "" {
			t.Errorf("%q: %v is no refusal", text, err)
		}
	})
}

// signed computes the signature apart from any library.
func signed(text string) bool {
	i := strings.LastIndexByte(text, '.')
	if i < 0 {
		return false
	}
	mac := hmac.New(crypto.SHA256.New, secret)
	_, _ = mac.Write([]byte(text[:i]))
	sum := mac.Sum(nil)
	return len(sum) == sha256.Size && text[i+1:] == encoded(sum)
}
