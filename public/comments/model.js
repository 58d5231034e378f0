// What is known of a page's comments, and what of it waits to be shown. It knows no nodes.
//
// An item is {c, tally, waits, placed, dirty}: the comment as the server last told it, the
// tally of its counts, whether it came live and was not asked for yet, whether it is a
// first comment that is on the page, and whether what is shown of it is old.

const WAITING = 1000; // comments that wait; more are only counted

const later = (a, b) => (a.c.id < b.c.id ? -1 : 1);

export class Model {
  items = new Map(); // by id
  kids = new Map(); // items by the id of their parent, oldest first
  roots = []; // items that begin threads, in the order in which they are shown
  waiting = new Set();
  extra = 0; // how many more wait than are kept
  next = ""; // where the server goes on
  cursor = [0, 0]; // seq and tally
  votes = {};
  reactions = {};

  constructor(sort) {
    this.sort = sort;
  }

  /** Takes a state of a comment; live ones that are new wait. It returns its item, or nothing if nothing changed. */
  take(c, live, tally = this.cursor[1]) {
    let item = this.items.get(c.id);
    if (item) {
      const old = item.c;
      if (c.seq < old.seq || (c.seq === old.seq && !c.author && old.author)) return;
      // Counts are those of the later tally.
      item.c = tally < item.tally && c.author ? { ...c, up: old.up, down: old.down, reactions: old.reactions } : c;
    } else {
      if (live && this.waiting.size >= WAITING) {
        if (c.author) this.extra += 1;
        return;
      }
      item = { c, tally };
      this.items.set(c.id, item);
      if (c.parent) {
        const family = this.kids.get(c.parent) ?? [];
        this.kids.set(c.parent, family);
        let at = family.length;
        while (at && later(item, family[at - 1]) < 0) at -= 1;
        family.splice(at, 0, item);
      }
      if (live && c.author && (c.parent || this.#belongs(c))) {
        item.waits = true;
        this.waiting.add(item);
      }
    }
    item.tally = Math.max(item.tally, tally);
    item.dirty = true;
    return item;
  }

  // Whether a first comment that nobody knew is new, and not one of what is not loaded yet.
  #belongs(c) {
    const last = this.roots.at(-1);
    if (!this.next || !last) return true;
    return this.sort === "newest" ? c.id > last.c.id : !c.edited && !c.pinned;
  }

  /** Takes counts, if they are not older than what is known. */
  count({ id, up, down, reactions }, tally) {
    const item = this.items.get(id);
    if (!item || tally < item.tally) return;
    item.c = { ...item.c, up, down, reactions };
    item.tally = tally;
    item.dirty = true;
    return item;
  }

  advance(seq = 0, tally = 0) {
    this.cursor = [Math.max(this.cursor[0], seq), Math.max(this.cursor[1], tally)];
  }

  /**
   * Takes a snapshot. The first shows all that is in it. Of later ones, live, what is
   * new waits, and what is gone from the threads that they have is marked as deleted. With
   * more it is the part after what is there.
   */
  snapshot({ cursor, comments, next = "" }, { live, more } = {}) {
    const [seq, tally] = cursor.split(".").map(Number);
    const ids = new Set(comments.map(({ id }) => id));
    for (const c of comments) {
      const item = this.take(c, live, tally) ?? this.items.get(c.id);
      if (item && !live) this.show(item, true);
    }
    if (live) this.#miss(ids, seq);
    if (live) return;
    this.next = next;
    if (!more) this.cursor = [seq, tally];
  }

  #miss(ids, seq) {
    const last = this.roots.findLastIndex(({ c }) => ids.has(c.id));
    const check = (item) => {
      const { c } = item;
      if (!ids.has(c.id) && c.state === "published" && c.seq <= seq) {
        item.c = { id: c.id, page: c.page, parent: c.parent, depth: c.depth, created: c.created, seq: c.seq, state: "deleted" };
        item.dirty = true;
      }
      this.kids.get(c.id)?.forEach(check);
    };
    this.roots.slice(0, last + 1).forEach(check);
  }

  /** Shows an item; a first comment goes to its place, or to the end. */
  show(item, atEnd) {
    item.waits = false;
    this.waiting.delete(item);
    if (item.c.parent || item.placed) return;
    item.placed = true;
    if (atEnd || this.sort !== "newest") this.roots.push(item);
    else {
      const at = this.roots.findIndex((other) => !other.c.pinned && other.c.id < item.c.id);
      this.roots.splice(at < 0 ? this.roots.length : at, 0, item);
    }
  }

  /** What waits, by the id of the comment on the page that it is below; "" is the page itself. */
  groups() {
    const groups = new Map();
    for (const item of this.waiting) {
      let top = item;
      while (top?.waits && top.c.parent) top = this.items.get(top.c.parent);
      if (!top || (!top.waits && !this.onPage(top))) continue;
      const key = top.waits ? "" : top.c.id;
      if (!groups.has(key)) groups.set(key, []);
      groups.get(key).push(item);
    }
    return groups;
  }

  onPage(item) {
    while (item?.c.parent && !item.waits) item = this.items.get(item.c.parent);
    return Boolean(item?.placed);
  }

  /** Items below a comment that do not wait, oldest first. */
  below(id) {
    return (this.kids.get(id) ?? []).filter((item) => !item.waits);
  }

  /** Whether there is something to see of an item: itself, or what is below it. */
  visible(item) {
    return Boolean(item.seen || item.c.author) || this.below(item.c.id).some((kid) => this.visible(kid));
  }
}
