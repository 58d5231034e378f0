package signature

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"strconv"
)

// The headers of a request.
const (
	Header   = "Sockeye-Signature" // t=SECONDS,v1=HEX, with a v1 for each secret
	Call     = "Sockeye-Call"      // what it is about
	Delivery = "Sockeye-Delivery"  // an id of this request
)

// Of is the value of Header: a v1 for each secret, HMAC-SHA256 of the seconds since 1970, a
// dot and the body.
func Of(secrets [][]byte, seconds int64, body []byte) string {
	at := strconv.FormatInt(seconds, 10)
	text := "t=" + at
	for _, secret := range secrets {
		mac := hmac.New(sha256.New, secret)
		mac.Write([]byte(at + "."))
		mac.Write(body)
		text += ",v1=" + hex.EncodeToString(mac.Sum(nil))
	}
	return text
}
