package comments

import (
	"context"
	"errors"

	"github.com/sockeye-io/sockeye/handlers/comments/store"
)

// demoSite is the site of the demo pages.
const demoSite = "demo"

// makeDemo sees to it that there is a site for the demo pages, which are of the same origin.
func (c *Comments) makeDemo(ctx context.Context) error {
	err := c.store.CreateSite(ctx, store.Site{
		Name: demoSite, Secret: randomText(32),
		Settings: store.Settings{
			Guests: true, EditWindow: 300, Reactions: []string{"👍", "❤️", "😄", "🎉", "😕", "👀"},
			Votes: store.VotesUpDown, Viewers: true, Typing: true, MaxLinks: 5, FlagThreshold: 3,
		},
	})
	if errors.Is(err, store.ErrExists) {
		return nil
	}
	return err
}
