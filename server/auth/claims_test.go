package auth

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
)

func TestClaimsMakeAPrincipal(t *testing.T) {
	t.Parallel()
	many := `["` + strings.Repeat(`x","`, maxEntries) + `x"]`
	for _, c := range []struct {
		claims  string
		join    Patterns
		publish Patterns
		wrong   string // what the error says; "" is no error
	}{
		{claims: `{"sub":"a"}`, join: Everything(), publish: Everything()},
		{claims: `{"sub":"a","rooms":"news:*"}`, join: Patterns{"news:*"}, publish: Patterns{"news:*"}},
		{claims: `{"sub":"a","rooms":["x"],"join":["y"]}`, join: Patterns{"x", "y"}, publish: Patterns{"x"}},
		{claims: `{"sub":"a","join":["x"]}`, join: Patterns{"x"}},
		{claims: `{"sub":"a","publish":["x"]}`, publish: Patterns{"x"}},
		{claims: `{"sub":"a","rooms":[]}`},
		{claims: `{"sub":"a","join":[]}`},
		{claims: `{"SUB":"a"}`, wrong: "sub is missing"},
		{claims: `{"sub":""}`, wrong: "sub is missing"},
		{claims: `{"sub":null}`, wrong: "sub is not a string"},
		{claims: `{"sub":7}`, wrong: "sub is not a string"},
		{claims: `{"sub":["a"]}`, wrong: "sub is not a string"},
		{claims: `{"sub":"key:1"}`, wrong: "as the ids of API keys do"},
		{claims: `{"sub":"a\u0000"}`, wrong: "sub has a control character"},
		{claims: `{"sub":"` + strings.Repeat("a", MaxID+1) + `"}`, wrong: "sub has 257 bytes"},
		{claims: `{"sub":"a","name":1}`, wrong: "name is not a string"},
		{claims: `{"sub":"a","rooms":null}`, wrong: "rooms is not a list"},
		{claims: `{"sub":"a","rooms":{"x":1}}`, wrong: "rooms is not a list"},
		{claims: `{"sub":"a","join":["x",null]}`, wrong: "an entry of join is not a string"},
		{claims: `{"sub":"a","publish":[["x"]]}`, wrong: "an entry of publish is not a string"},
		{claims: `{"sub":"a","roles":true}`, wrong: "roles is not a list"},
		{claims: `{"sub":"a","roles":` + many + `}`, wrong: "roles has 101 entries"},
		{claims: `{"sub":"a","rooms":["` + strings.Repeat("a", maxEntry+1) + `"]}`, wrong: "an entry of rooms has 257 bytes"},
		{claims: `{"sub":"a","data":` + strings.Repeat("[", 40) + strings.Repeat("]", 40) + `}`, wrong: "data is nested deeper"},
		{claims: `{"sub":"a","sub":"b"}`, wrong: `"sub" comes twice`},
		{claims: `{"sub":"a","s\u0075b":"b"}`, wrong: `"sub" comes twice`},
		{claims: `["sub"]`, wrong: "no JSON object"},
		{claims: `null`, wrong: "no JSON object"},
		{claims: `{"sub":"a"} {}`, wrong: "after top-level value"},
	} {
		var read Claims
		err := json.Unmarshal([]byte(c.claims), &read)
		var p *Principal
		if err == nil {
			p, err = read.Principal(ClaimSubject)
		}
		switch {
		case c.wrong != "":
			if err == nil || !strings.Contains(err.Error(), c.wrong) {
				t.Errorf("%.80s: error %v, want one with %q", c.claims, err, c.wrong)
			}
		case err != nil:
			t.Errorf("%s: %v", c.claims, err)
		case p.ID != "a" || !slices.Equal(p.Join, c.join) || !slices.Equal(p.Publish, c.publish):
			t.Errorf("%s: %+v", c.claims, p)
		}
	}
}

func TestClaimsKeepRolesNameAndData(t *testing.T) {
	t.Parallel()
	var c Claims
	if err := json.Unmarshal([]byte(`{"id":"a","name":"Ann Ü","roles":["mod","dev"],"data":{ "a": [1, "]\"["] }}`), &c); err != nil {
		t.Fatal(err)
	}
	p, err := c.Principal(ClaimID)
	if err != nil {
		t.Fatal(err)
	}
	if p.Name != "Ann Ü" || !p.HasRole("mod") || !p.HasRole("dev") || p.HasRole("admin") || string(p.Data) != `{"a":[1,"]\"["]}` {
		t.Errorf("%+v, data %s", p, p.Data)
	}
	if p.HasScope(ScopeRead) {
		t.Error("scopes came from claims")
	}
}

func TestTimesOfClaims(t *testing.T) {
	t.Parallel()
	for text, ok := range map[string]bool{
		"0": true, "1700000000": true, "1700000000.5": true, "1.7e9": true,
		"-1": false, "1e300": false, "null": false, `"1700000000"`: false, "true": false, "{}": false, "253402300800": false,
	} {
		at, err := Claims{"exp": json.RawMessage(text)}.Time("exp")
		if (err == nil) != ok {
			t.Errorf("%s: %v, %v", text, at, err)
		}
	}
}

// FuzzClaims reads whatever a signer or a site may say: what is taken keeps its bounds.
func FuzzClaims(f *testing.F) {
	for _, seed := range []string{
		`{"sub":"a"}`, `{"sub":"a","rooms":["x","y*"],"data":{"a":1},"exp":1.5}`, `{"sub":"a","sub":"b"}`, `[]`, `{"roles":""}`, `{"sub":"\ud800"}`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var c Claims
		if json.Unmarshal([]byte(text), &c) != nil {
			return
		}
		p, err := c.Principal(ClaimSubject)
		if err != nil {
			return
		}
		if p.ID == "" || len(p.ID) > MaxID || len(p.Name) > maxName || len(p.Roles) > maxEntries ||
			len(p.Join) > 2*maxEntries || len(p.Publish) > 2*maxEntries || p.Data != nil && !json.Valid(p.Data) {
			t.Errorf("%q makes %+v", text, p)
		}
		if at, err := c.Time("exp"); err == nil && at.Year() > 9999 {
			t.Errorf("%q expires %v", text, at)
		}
	})
}
