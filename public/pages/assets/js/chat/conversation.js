// What is known of one room or of one person: pure state, no document and no socket.

const KEEP = 500; // items of one conversation
const TYPING = 6000; // ms after which somebody who says nothing more has stopped

export class Conversation {
  constructor(kind, name, user = null) {
    this.kind = kind; // "room" or "private"
    this.name = name; // of the room, or the id of the other
    this.user = user; // the other, if private
    this.joined = false; // the server has us in it on this connection
    this.people = new Map(); // by id; empty while there are too many to list
    this.crowd = 0; // how many are here, while they are not listed
    this.items = []; // {type: "message" | "notice" | "gap", ...}, oldest first
    this.ids = new Set();
    this.typing = new Map(); // by id: {user, until}
    this.unread = 0;
    this.draft = "";
  }

  get key() {
    return `${this.kind}:${this.name}`;
  }

  get title() {
    return this.kind === "room" ? this.name : this.user.nick;
  }

  /** The id of the last message that the server has given us. */
  get last() {
    return this.items.findLast((item) => item.type === "message" && item.id)?.id ?? "";
  }

  /** Own messages that the server has not accepted yet, oldest first. */
  get waiting() {
    return this.items.filter((item) => item.state === "pending");
  }

  /**
   * Takes in a message from the server. Returns "known" if it is there already,
   * "settled" if it is an own one that was waiting, "added" if it is the last item now,
   * and "inserted" if it belongs before others.
   */
  receive(message, mine) {
    if (this.ids.has(message.id)) return "known";
    const waiting = mine && message.key ? this.items.find((item) => item.key === message.key && !item.id) : undefined;
    this.ids.add(message.id);
    if (waiting) {
      Object.assign(waiting, message, { state: "sent" });
      return "settled";
    }
    let at = this.items.length;
    while (at > 0 && after(this.items[at - 1], message)) at -= 1;
    this.items.splice(at, 0, { type: "message", state: "sent", mine, ...message });
    this.#trim();
    return at === this.items.length - 1 ? "added" : "inserted";
  }

  /** Notes that the server has accepted an own message. */
  settle(item, { id, time }) {
    if (item.id) return;
    this.ids.add(id);
    Object.assign(item, { id, time, state: "sent" });
  }

  /** Appends an own message, a notice or a gap. */
  append(item) {
    this.items.push(item);
    this.#trim();
    return item;
  }

  /** Notes who is here: all of them, or how many. */
  meet(users, count) {
    this.people = new Map(users.map((user) => [user.id, user]));
    this.crowd = users.length ? 0 : count;
  }

  noteTyping(user, on) {
    if (on) this.typing.set(user.id, { user, until: Date.now() + TYPING });
    else this.typing.delete(user.id);
  }

  /** Who is typing now. */
  typists() {
    for (const [id, { until }] of this.typing) if (until < Date.now()) this.typing.delete(id);
    return [...this.typing.values()].map(({ user }) => user);
  }

  #trim() {
    while (this.items.length > KEEP) this.ids.delete(this.items.shift().id);
  }
}

// Ids have the order of sending. Notices stay where they are, and what is waiting comes last.
function after(item, message) {
  if (item.type !== "message") return false;
  return item.state !== "sent" || item.id > message.id;
}
