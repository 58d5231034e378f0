package token

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func file(t testing.TB, text string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "keys")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func block(kind string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}

// jwk writes a public key, or a secret, as others do.
func jwk(id string, material any, more map[string]any) map[string]any {
	m := map[string]any{"kid": id}
	switch k := material.(type) {
	case []byte:
		m["kty"], m["k"] = "oct", encoded(k)
	case *rsa.PublicKey:
		m["kty"], m["n"], m["e"] = "RSA", encoded(k.N.Bytes()), encoded(big.NewInt(int64(k.E)).Bytes())
	case *ecdsa.PublicKey:
		point := must(k.Bytes())[1:]
		m["kty"], m["crv"], m["x"], m["y"] = "EC", k.Params().Name, encoded(point[:len(point)/2]), encoded(point[len(point)/2:])
	default:
		m["kty"], m["crv"], m["x"] = "OKP", "Ed25519", encoded(must(x509.MarshalPKIXPublicKey(k))[12:])
	}
	for name, v := range more {
		m[name] = v
	}
	return m
}

func jwks(keys ...map[string]any) string {
	return string(must(json.Marshal(map[string]any{"keys": keys})))
}

func TestKeysAreReadFromEveryForm(t *testing.T) {
	t.Parallel()
	rsaPKIX, ecPKIX, edPKIX := must(x509.MarshalPKIXPublicKey(&rsaKey().PublicKey)), must(x509.MarshalPKIXPublicKey(&ecKey().PublicKey)), must(x509.MarshalPKIXPublicKey(edKey().Public()))
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "x"}, NotAfter: time.Now().Add(time.Hour)}
	cert := must(x509.CreateCertificate(rand.Reader, template, template, &rsaKey().PublicKey, rsaKey()))
	for what, c := range map[string]struct {
		text string
		algs string
	}{
		"public keys":        {block("PUBLIC KEY", rsaPKIX) + "\n# words between\n" + block("PUBLIC KEY", ecPKIX) + block("PUBLIC KEY", edPKIX), "RS256 ES256 EdDSA"},
		"PKCS 1":             {block("RSA PUBLIC KEY", x509.MarshalPKCS1PublicKey(&rsaKey().PublicKey)), "RS256"},
		"a certificate":      {block("CERTIFICATE", cert), "RS256"},
		"PKCS 8":             {block("PRIVATE KEY", must(x509.MarshalPKCS8PrivateKey(edKey()))), "EdDSA"},
		"PKCS 1, private":    {block("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(rsaKey())), "RS256"},
		"EC, with its curve": {block("EC PARAMETERS", []byte{6, 8}) + block("EC PRIVATE KEY", must(x509.MarshalECPrivateKey(ecKey()))), "ES256"},
		"a JWKS": {jwks(jwk("a", &rsaKey().PublicKey, map[string]any{"use": "sig", "alg": RS256, "x5u": "http://127.0.0.1:1/", "x5t": "no", "unknown": []int{1}}),
			jwk("b", &ecKey().PublicKey, nil), jwk("c", edKey().Public(), map[string]any{"alg": "Ed25519"}), jwk("d", secret, map[string]any{"alg": HS384})), "RS256 ES256 EdDSA HS384"},
		"one JWK": {string(must(json.Marshal(jwk("d", secret, nil)))), "HS256,HS384,HS512"},
	} {
		ks, err := ReadFile(file(t, c.text))
		if err != nil {
			t.Errorf("%s: %v", what, err)
			continue
		}
		var algs []string
		for _, k := range ks {
			algs = append(algs, strings.Join(k.algs, ","))
		}
		if got := strings.Join(algs, " "); got != c.algs {
			t.Errorf("%s: %s", what, got)
		}
	}
	ks := must(ReadFile(file(t, jwks(jwk("b", &ecKey().PublicKey, nil)))))
	if _, err := verifier(ks, nil).Verify(t.Context(), sign(t, ES256, ecKey(), map[string]any{"kid": "b"}, alice)); err != nil {
		t.Errorf("a key of a JWKS: %v", err)
	}
}

func TestKeysThatAreOfNoUseAreErrorsThatSaySo(t *testing.T) {
	t.Parallel()
	small := must(rsa.GenerateKey(rand.Reader, 1024))
	p384 := must(ecdsa.GenerateKey(elliptic.P384(), rand.Reader))
	for what, c := range map[string]struct{ text, says string }{
		"nothing":            {"", "no key in it"},
		"a secret":           {string(secret), "--auth-secret-file"},
		"a small RSA key":    {block("PUBLIC KEY", must(x509.MarshalPKIXPublicKey(&small.PublicKey))), "1024 bits"},
		"another curve":      {block("PUBLIC KEY", must(x509.MarshalPKIXPublicKey(&p384.PublicKey))), "P-384"},
		"a damaged block":    {block("PUBLIC KEY", []byte("x")), "cannot be read"},
		"an encrypted block": {block("ENCRYPTED PRIVATE KEY", []byte("x")), "no key that can be used"},
		"no set":             {"{}", "no keys"},
		"an empty set":       {`{"keys":[]}`, "no keys"},
		"no list":            {`{"keys":{}}`, "no list"},
		"half a set":         {`{"keys":[`, "no JSON"},
		"a key of numbers":   {`{"keys":[1]}`, "key 1"},
		"of no kind":         {`{"keys":[{"kty":"XYZ"}]}`, "key 1"},
		"wrong types":        {`{"keys":[{"kty":1}]}`, "key 1"},
		"to encrypt":         {jwks(jwk("a", &rsaKey().PublicKey, map[string]any{"use": "enc"})), "its use is"},
		"another's alg":      {jwks(jwk("a", &rsaKey().PublicKey, map[string]any{"alg": HS256})), "does not fit its alg"},
		"PS256":              {jwks(jwk("a", &rsaKey().PublicKey, map[string]any{"alg": "PS256"})), "does not fit its alg"},
		"a short secret":     {jwks(jwk("a", []byte("short"), nil)), "at least 32"},
		"too many":           {jwks(make([]map[string]any, maxKeys+1)...), "65 keys"},
		"too much":           {strings.Repeat(" ", maxFile+1), "more than"},
	} {
		if ks, err := ReadFile(file(t, c.text)); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %d keys, %v", what, len(ks), err)
		}
	}
	if _, err := ReadFile("/does/not/exist"); err == nil {
		t.Error("no file is no error")
	}
}

func TestASecretFileEndsInALine(t *testing.T) {
	t.Parallel()
	k, err := ReadSecretFile(file(t, string(secret)+"\n"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := verifier(Keys{k}, nil).Verify(t.Context(), sign(t, HS256, secret, nil, alice)); err != nil {
		t.Error(err)
	}
	if _, err := ReadSecretFile(file(t, "  "+strings.Repeat("x", 31)+"  ")); err == nil {
		t.Error("31 bytes are a secret")
	}
}

// FuzzKeys reads files of keys.
func FuzzKeys(f *testing.F) {
	f.Add(jwks(jwk("b", &ecKey().PublicKey, nil), jwk("d", secret, nil)))
	f.Add(block("PUBLIC KEY", must(x509.MarshalPKIXPublicKey(&ecKey().PublicKey))))
	f.Add(`{"kty":"RSA","n":"","e":"AQAB"}`)
	f.Add(`{"keys":[{"kty":"OKP","crv":"Ed25519","x":"AA","d":"AA"}]}`)
	f.Fuzz(func(t *testing.T, text string) {
		var ks Keys
		var err error
		if strings.HasPrefix(text, "{") {
			ks, err = readJWKS([]byte(text))
		} else {
			ks, err = readPEM([]byte(text))
		}
		if err == nil && (len(ks) == 0 || len(ks) > maxKeys) {
			t.Errorf("%q is %d keys", text, len(ks))
		}
		for _, k := range ks {
			if len(k.algs) == 0 || k.public == nil {
				t.Errorf("%q makes %+v", text, k)
			}
		}
	})
}
