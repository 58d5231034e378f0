// Listens to rooms for as long as the page is open. It goes on with a new ticket before the old
// one ends, and tries again after answers that EventSource takes for final.
//
//   const stop = listen({
//     rooms: ["news"],
//     ticket: async () => (await (await fetch("/my/ticket", { method: "POST" })).json()).ticket,
//     on: { msg: (data) => console.log(data), "sockeye:gap": () => location.reload() },
//     refused: (error) => console.error(error.code, error.message),
//   });

const AGAIN = 1_000; // ms until the second attempt; then twice as long, up to
const AT_LAST = 60_000;
const OTHER_TICKET = new Set(["invalid_token", "token_expired"]);

export function listen({ url = "/events", rooms, ticket, on, refused = () => {} }) {
  let source;
  let last = ""; // the id of the last event that was heard
  let failures = 0;
  let timer;
  let over = false;

  async function open() {
    const query = new URLSearchParams(rooms.map((room) => ["room", room]));
    try {
      if (ticket) query.set("ticket", await ticket());
    } catch {
      return later();
    }
    if (over) return;
    if (last) query.set("lastEventId", last); // a new EventSource has no other way to say it
    const address = `${url}?${query}`;
    source = new EventSource(address, { withCredentials: true });
    for (const [name, hear] of Object.entries(on)) {
      source.addEventListener(name, (event) => {
        last = event.lastEventId || last;
        hear(JSON.parse(event.data));
      });
    }
    source.addEventListener("sockeye:ready", (event) => {
      last = event.lastEventId || last;
      failures = 0;
    });
    source.addEventListener("auth:expiring", () => {
      source.close();
      open();
    });
    source.addEventListener("error", ({ target }) => {
      if (target.readyState === EventSource.CLOSED && !over) why(address); // else it comes back by itself
    });
  }

  // why asks for the same, to read what EventSource does not tell.
  async function why(address) {
    const asking = new AbortController();
    let error = {};
    let status = 0;
    try {
      const answer = await fetch(address, { credentials: "include", signal: asking.signal });
      status = answer.status;
      if (status !== 200) error = (await answer.json()).error ?? {};
    } catch {
      // A proxy's page, or no answer: the server may be back soon.
    } finally {
      asking.abort();
    }
    const hopeless = [400, 401, 403, 404].includes(status) && !(ticket && OTHER_TICKET.has(error.code) && failures === 0);
    if (hopeless) refused(error);
    else later(error.retryAfter);
  }

  function later(after = 0) {
    const wait = Math.min(AT_LAST, AGAIN * 2 ** failures++);
    if (!over) timer = setTimeout(open, Math.max(after, wait * (0.5 + Math.random() / 2)));
  }

  open();
  return () => {
    over = true;
    clearTimeout(timer);
    source?.close();
  };
}
