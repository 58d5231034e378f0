package main

import (
	"math/rand/v2"
	"slices"
)

// readerNames are those of the readers of the demo.
var readerNames = []string{"Ann", "Ben", "Cleo", "Dan", "Eve", "Finn", "Gwen", "Hugo", "Iris", "Jon"}

// openings and replies are what they say: about comments that appear while one looks.
var (
	openings = []string{
		"I have this page open on my phone too, and both show the **same comments** at the same moment.",
		"Does anybody else see the number of readers go up and down?",
		"First time here. I like that nothing jumps while I read.",
		"How does this know that I was offline for a minute? Everything that I missed was there.",
		"One can write `code` here:\n\n```\nif (tide.isHigh) boat.leave();\n```",
		"> Sockeye are salmon\n\nThat explains the name.",
		"A list, to see whether it works:\n\n- it works\n- it works well",
		"I came for the article and stayed for the comments.",
		"Is there a feed of this page? I would rather read it in my reader.",
		"The dark theme is easy on the eyes. *Thank you.*",
		"Good to see a comment box that does not ask for my e-mail address.",
		"Who is here from the northern coast?",
		"It works with the keyboard alone. I tried the whole page with Tab and Enter.",
		"I closed the laptop, took the train, opened it again: the page went on where it was.",
		"May I put this on a site that is only static files?",
		"The river was full of them last week, red from bank to bank.",
	}
	replies = []string{
		"I see the same.",
		"So do I. It took no time at all.",
		"Good question. I wondered about that, too.",
		"That is what I thought at first, but look at the cursor: it says where one was.",
		"Thank you, that helped.",
		"Yes! And it even says that somebody is writing.",
		"Not on my side, but I am on a slow train.",
		"I tried it just now, and it does.",
		"Could you say more about that?",
		"Agreed.",
		"There is a feed, at the end of the page.",
		"Well said. I would only add that *patience* helps, with rivers and with networks.",
		"Works here with nothing but polling.",
		"Hello from the other side of the bay.",
		"I had to read this twice, but yes.",
		"That made me smile.",
	}
	reactions = []string{"👍", "❤️", "😄", "🎉"}
)

// talk hands out what is said, in an order of its own, again when all was said. It is used by one
// goroutine.
type talk struct{ openings, replies []string }

func newTalk() *talk {
	t := &talk{slices.Clone(openings), slices.Clone(replies)}
	for _, list := range [][]string{t.openings, t.replies} {
		rand.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] }) //nolint:gosec // it guards nothing
	}
	return t
}

// next is what somebody may say who has said some things, or "".
func (t *talk) next(reply bool, said map[string]bool) string {
	list := t.openings
	if reply {
		list = t.replies
	}
	i := slices.IndexFunc(list, func(text string) bool { return !said[text] })
	if i < 0 {
		return ""
	}
	text := list[i]
	copy(list[i:], list[i+1:])
	list[len(list)-1] = text
	return text
}

func (t *talk) reaction() string { return reactions[rand.IntN(len(reactions))] } //nolint:gosec // see above
