package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/alecthomas/kong"

	"github.com/sockeye-io/sockeye/server"
	"github.com/sockeye-io/sockeye/server/auth"
	"github.com/sockeye-io/sockeye/server/auth/token"
)

type tokenCommand struct {
	Sub     string        `required:"" placeholder:"ID" help:"Whose token it is: the id of a user."`
	Name    string        `placeholder:"TEXT" help:"Name that others are shown."`
	Role    []string      `sep:"none" placeholder:"WORD" help:"Role, such as moderator; can be repeated."`
	Room    []string      `sep:"none" placeholder:"PATTERN" help:"Rooms to join and publish to, such as 'news:*'; can be repeated. Without any of the three, all rooms."`
	Join    []string      `sep:"none" placeholder:"PATTERN" help:"Rooms to join; can be repeated."`
	Publish []string      `sep:"none" placeholder:"PATTERN" help:"Rooms to publish to; can be repeated."`
	Data    string        `placeholder:"JSON" help:"Value for handlers."`
	TTL     time.Duration `name:"ttl" default:"1h" help:"How long it holds; 0 is for ever."`
	Kid     string        `placeholder:"ID" help:"Which key signs it, and what its header says."`

	options `embed:""`
}

var errNoSigningKey = errors.New(`token: there is nothing to sign with. Set a secret, here and for the server:
  export SOCKEYE_AUTH_SECRET="$(openssl rand -base64 48)"
or name a file with a private key: --auth-keys key.pem`)

// Run prints a token.
func (c *tokenCommand) Run(s streams, ctx *kong.Context, file *fileResolver) error {
	if err := c.complete(ctx, file); err != nil {
		return err
	}
	claims, err := c.claims()
	if err != nil {
		return fmt.Errorf("token: %w", err)
	}
	keys, err := server.TokenKeys(&c.Config)
	if err != nil {
		return err
	}
	text, err := token.Mint(keys, c.Kid, token.Subject{Claims: claims, TTL: c.TTL}, time.Now())
	if errors.Is(err, token.ErrNoSigner) {
		if c.Kid != "" && len(keys) > 0 {
			return fmt.Errorf("token: no key named %q can sign", c.Kid)
		}
		return errNoSigningKey
	}
	if err != nil {
		return fmt.Errorf("token: %w", err)
	}
	_, err = fmt.Fprintln(s.out, text)
	return err
}

// claims are those of the flags, if a server would take them.
func (c *tokenCommand) claims() (map[string]any, error) {
	if c.TTL < 0 {
		return nil, errors.New("--ttl is below zero")
	}
	claims := map[string]any{auth.ClaimSubject: c.Sub}
	for name, list := range map[string][]string{
		auth.ClaimRoles: c.Role, auth.ClaimRooms: c.Room, auth.ClaimJoin: c.Join, auth.ClaimPublish: c.Publish,
	} {
		if len(list) > 0 {
			claims[name] = list
		}
	}
	if c.Name != "" {
		claims[auth.ClaimName] = c.Name
	}
	if c.Data != "" {
		if !json.Valid([]byte(c.Data)) {
			return nil, errors.New("--data is no JSON: write a text as '\"text\"'")
		}
		claims[auth.ClaimData] = json.RawMessage(c.Data)
	}
	if c.Config.AuthIssuer != "" {
		claims["iss"] = c.Config.AuthIssuer
	}
	if len(c.Config.AuthAudience) > 0 {
		claims["aud"] = c.Config.AuthAudience[0]
	}
	text, err := json.Marshal(claims)
	if err != nil {
		return nil, err
	}
	var read auth.Claims
	if err := json.Unmarshal(text, &read); err != nil {
		return nil, err
	}
	_, err = read.Principal(auth.ClaimSubject)
	return claims, err
}
