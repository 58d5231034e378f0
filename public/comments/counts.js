// Numbers of comments beside links to pages: <span data-sockeye-count="/post-1"></span>.

import { liveOf } from "./live.js";
import { languageOf, textsOf } from "./texts.js";

const AT_ONCE = 100; // pages that are asked about, and watched

const all = new Map(); // by server and site

/** Fills the elements below a node, and keeps them as they are counted. */
export async function count(root, { server, site, lang }) {
  const t = await textsOf(server, languageOf(lang ?? document.documentElement.lang));
  const key = `${server} ${site}`;
  if (!all.has(key)) all.set(key, new Counts(server, site, t));
  all.get(key).add([...root.querySelectorAll("[data-sockeye-count]")].filter((node) => (node.dataset.site ?? site) === site));
}

class Counts {
  #nodes = new Set();
  #known = {};

  constructor(server, site, t) {
    Object.assign(this, { server, site, t, live: liveOf(server, site) });
  }

  async add(nodes) {
    for (const node of nodes) this.#nodes.add(node);
    if (!this.#nodes.size) return;
    const pages = this.#pages();
    for (let at = 0; at < pages.length; at += AT_ONCE) {
      const query = new URLSearchParams(pages.slice(at, at + AT_ONCE).map((page) => ["page", page]));
      try {
        const answer = await fetch(`${this.server}comments/v1/${encodeURIComponent(this.site)}/counts?${query}`, { credentials: "omit" });
        if (answer.ok) this.#take((await answer.json()).counts);
      } catch {
        // the connection tells them, if there is one
      }
    }
    if (this.live.areas.has(this)) this.live.state === "online" && this.#watch();
    else this.live.add(this);
  }

  #pages() {
    for (const node of this.#nodes) if (!node.isConnected) this.#nodes.delete(node);
    return [...new Set([...this.#nodes].map((node) => node.dataset.sockeyeCount))];
  }

  #take(counts) {
    Object.assign(this.#known, counts);
    for (const node of this.#nodes) {
      const n = this.#known[node.dataset.sockeyeCount] ?? 0;
      node.textContent = node.dataset.format === "number" ? this.t.numbers.format(n) : this.t.say("count", { n });
    }
  }

  async #watch() {
    try {
      this.#take((await this.live.ask("watch-counts", { pages: this.#pages().slice(0, AT_ONCE) })).counts);
    } catch {
      // the numbers stay as they are
    }
  }

  // What the connection calls.

  joined() {
    this.#watch();
  }

  hears(event, message) {
    if (event === "counts") this.#take(message.counts);
  }

  state() {}
}
