package redisnodes

import "testing"

// FuzzRecord reads records that somebody else wrote: what is taken has an id and an
// address that can be dialled.
func FuzzRecord(f *testing.F) {
	for _, seed := range []string{
		`{"v":"1.0","id":"AbCdEfGh","url":"http://10.0.0.5:3000","version":"v1.2.0","started":1767225600000}`,
		`{"v":"1.7","id":"AbCdEfGh","url":"http://10.0.0.5:3000","left":true,"zone":{}}`,
		`{"v":"2.0","id":"AbCdEfGh","url":"http://10.0.0.5:3000"}`, `{"v":1,"id":"AbCdEfGh"}`, `{}`, `[]`, ``, `{"v":"1.0","id":"AbCdEfGh","url":"javascript:x"}`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		n, _, err := decode(text, "AbCdEfGh")
		if err == nil && (n.ID != "AbCdEfGh" || n.URL == "") {
			t.Errorf("%q was taken as %+v", text, n)
		}
	})
}
