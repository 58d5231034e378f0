package wire

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"sync"
)

// Encoding and decoding of Go values is left to encoding/json, which writes []byte as base64 and reads it back.
// What binary is gets around it under two disguises that no one outside the process can forge:
//
//   - A token is a base64 string of random bytes and an index. On the way out every []byte is replaced by the
//     bytes of its token, and after encoding/json the token's text by a placeholder.
//   - A mark is a secret sequence of carriage returns and line feeds behind the base64 text of a binary value,
//     on the way in. A []byte field does not see it, since base64 ignores line breaks; a string in an empty
//     interface that ends in it was binary.

const (
	tokenRandom = 18 // bytes; a multiple of 3, so that the text of the index stands apart
	tokenIndex  = 3  // bytes
	tokenText   = (tokenRandom + tokenIndex) / 3 * 4
	maxTokens   = 1<<(8*tokenIndex) - 1
)

var tokenSecret = sync.OnceValue(func() (secret [tokenRandom]byte) {
	_, _ = rand.Read(secret[:]) // never fails
	return secret
})

// tokenStart is how the JSON text of every token begins, its quote included.
var tokenStart = sync.OnceValue(func() []byte {
	secret := tokenSecret()
	return base64.StdEncoding.AppendEncode([]byte{'"'}, secret[:])
})

// token gives the bytes whose base64 text is token n.
func token(n int) []byte {
	secret := tokenSecret()
	b := append(make([]byte, 0, tokenRandom+tokenIndex+1), secret[:]...)
	return binary.BigEndian.AppendUint32(b, uint32(n)<<8)[:tokenRandom+tokenIndex] //nolint:gosec // at most maxTokens
}

func appendToken(dst []byte, n int) []byte {
	return base64.StdEncoding.AppendEncode(dst, token(n))
}

// readToken gives the index of the token that the text begins with, and what follows its closing quote.
func readToken(text []byte) (n int, rest []byte) {
	var index [tokenIndex + 1]byte
	from := len(tokenStart())
	_, _ = base64.StdEncoding.Decode(index[1:], text[from:1+tokenText]) // as appendToken wrote it
	return int(binary.BigEndian.Uint32(index[:])), text[1+tokenText+1:]
}

type markText struct {
	plain   string // as a Go string
	escaped string // within JSON
}

var binaryMark = sync.OnceValue(func() markText {
	var secret [12]byte
	_, _ = rand.Read(secret[:]) // never fails
	var plain, escaped bytes.Buffer
	for _, b := range secret {
		for range 8 {
			if b&1 == 0 {
				plain.WriteByte('\n')
				escaped.WriteString(`\n`)
			} else {
				plain.WriteByte('\r')
				escaped.WriteString(`\r`)
			}
			b >>= 1
		}
	}
	return markText{plain: plain.String(), escaped: escaped.String()}
})
