// Somebody on a page, with the official client, as the widget is there: first a snapshot, then
// what came after its cursor.
import { io } from "socket.io-client";
import { until } from "../house/programs.mjs";

const patience = 60_000; // ms; another suite may have the machine
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

export class Person {
  known = new Map(); // comments as they were told last, by id
  order = []; // seq of each comment when it was first told
  faults = [];
  losses = 0; // of connections
  resets = 0;
  cursor; // [seq, tally] up to which it knows the site
  viewers;

  /**
   * `urls` are those of nodes: with more than one it goes to the next when a connection is lost.
   * Without `reads` it is on no page and hears nothing.
   */
  constructor(site, name, { urls, who = {}, reads = true, options = {} }) {
    Object.assign(this, { site, name, urls, who, reads, options, at: 0 });
    this.#connect();
  }

  get url() {
    return this.urls[this.at % this.urls.length];
  }

  /** The name of the transport that it is on. */
  get transport() {
    return this.socket.io.engine?.transport?.name;
  }

  #connect() {
    const alone = this.urls.length === 1; // then the client's own reconnection does it
    const socket = io(`${this.url}/comments`, {
      forceNew: true, reconnection: alone, reconnectionDelay: 50, reconnectionDelayMax: 300, timeout: patience,
      auth: { site: this.site.name, ...this.who }, ...this.options,
    });
    this.socket = socket;
    const lost = async () => {
      this.link = undefined;
      if (alone || this.socket !== socket) return;
      socket.close();
      this.at++;
      await pause(20);
      if (!this.closed) this.#connect();
    };
    socket.on("connect", () => this.#begin(socket));
    socket.on("disconnect", () => (this.losses++, lost()));
    socket.on("connect_error", (error) => {
      if (error.data) this.faults.push(`was refused: ${error.message}`);
      void lost();
    });
    socket.on("comments", (part) => this.#live(part));
    socket.on("tally", (part) => this.#later(() => this.#tally(part)));
    socket.on("viewers", ({ count }) => (this.viewers = count));
    socket.on("reset", () => this.#begin(socket));
  }

  /** Learns what it has missed, and says that what comes may be taken. */
  async #begin(socket) {
    if (!this.reads) return;
    const link = { early: [], last: 0 }; // what is told before the answer waits
    this.link = link;
    while (this.link === link && socket.connected) {
      try {
        if (!this.cursor) this.#learn(await this.site.snapshot(this.url));
        const answer = await socket.timeout(patience).emitWithAck("join", { page: this.site.page, cursor: this.cursor.join(".") });
        if (this.link !== link) return;
        if (answer.error) throw new Error(`join: ${answer.error.code}: ${answer.error.message}`);
        this.viewers = answer.viewers;
        if (answer.reset) {
          this.resets++;
          this.cursor = undefined;
          continue;
        }
        this.#learn(answer);
        for (const take of link.early.splice(0)) take();
        link.joined = true;
      } catch (error) {
        this.problem = error.message;
        await pause(50); // the node may be about to go
        continue;
      }
      return;
    }
  }

  /** Whether it is on the page and hears what comes. */
  get there() {
    return this.socket.connected && (!this.reads || this.link?.joined === true);
  }

  #learn({ cursor, comments, tallies = [] }) {
    for (const one of comments) this.#know(one);
    for (const one of tallies) this.#count(one);
    this.cursor = cursor.split(".").map(Number);
  }

  #later(take) {
    if (this.link?.joined) take();
    else this.link?.early.push(take);
  }

  /** Comments that are told live come in the order of the store, each once on a connection. */
  #live({ seq, comments }) {
    const { link } = this;
    if (!link) return;
    for (const one of comments) {
      if (one.seq <= link.last) this.faults.push(`was told ${one.seq} after ${link.last}`);
      if (one.seq > seq) this.faults.push(`was told ${one.seq} in a part up to ${seq}`);
      link.last = Math.max(link.last, one.seq);
    }
    this.#later(() => {
      comments.forEach((one) => this.#know(one));
      this.cursor[0] = Math.max(this.cursor[0], seq);
    });
  }

  #know(one) {
    const was = this.known.get(one.id);
    if (!was) this.order.push(one.seq);
    if (!was || one.seq > was.seq) this.known.set(one.id, one);
  }

  #tally({ tally, counts }) {
    for (const one of counts) this.#count(one);
    this.cursor[1] = Math.max(this.cursor[1], tally);
  }

  #count({ id, ...counts }) {
    const one = this.known.get(id);
    if (one) this.known.set(id, { ...one, ...counts });
  }

  /** Asks until there is an answer of the server, on another connection if need be. */
  async ask(event, argument) {
    const end = Date.now() + 2 * patience;
    for (;;) {
      await until(`${this.name} is connected`, () => this.socket.connected, patience);
      const answer = await this.socket.timeout(patience).emitWithAck(event, argument).catch(() => undefined);
      if (answer && !answer.error) return answer;
      const { code = "lost", message = "no answer came" } = answer?.error ?? {};
      if (!["lost", "failed"].includes(code) || Date.now() > end) throw new Error(`${this.name}: ${event}: ${code}: ${message}`);
      await pause(20);
    }
  }

  /** Posts a comment whose text is its key, and gives it when it is acknowledged. */
  async post(key, more = {}) {
    return (await this.ask("post", { page: this.site.page, text: key, key, ...more })).comment;
  }

  /** What is wrong with what it knows, where the page is as `comments` say. */
  judge(comments) {
    const faults = [...this.faults];
    const missed = comments.filter((one) => !this.known.has(one.id));
    if (missed.length > 0) faults.push(`never heard of ${missed.length} of ${comments.length}, such as ${missed[0].html}`);
    const there = new Set(comments.map((one) => one.id));
    const more = [...this.known.values()].filter((one) => one.state === "published" && !there.has(one.id));
    if (more.length > 0) faults.push(`knows ${more.length} that are not there, such as ${more[0].html}`);
    const wrong = this.resets === 0 ? this.order.findIndex((seq, i) => i > 0 && seq < this.order[i - 1]) : -1;
    if (wrong > 0) faults.push(`heard of ${this.order[wrong]} after ${this.order[wrong - 1]}`);
    return faults.map((fault) => `${this.name} ${fault}`);
  }

  close() {
    this.closed = true;
    this.socket.close();
  }
}

/** Waits until all of them are where they want to be. */
export function allThere(people) {
  return until(
    "all are on the page",
    () => people.every((one) => one.there),
    patience,
  ).catch((error) => {
    const away = people.find((one) => !one.there);
    throw new Error(`${error.message}: ${away.name} is not: ${away.problem ?? ""} ${away.faults.join(", ")}`);
  });
}

/** Waits until the page has `count` comments, and all readers know them; gives the page, or throws what is wrong. */
export async function allKnow(site, url, readers, count) {
  let comments = [];
  const faults = () => [
    ...(comments.length === count ? [] : [`the page has ${comments.length} comments, and ${count} were acknowledged`]),
    ...readers.flatMap((one) => one.judge(comments)),
  ];
  await until(
    "all know all comments",
    async () => {
      ({ comments } = await site.snapshot(url));
      return faults().length === 0 || readers.some((one) => one.faults.length > 0);
    },
    patience,
  ).catch(() => {});
  if (faults().length > 0) throw new Error(faults().slice(0, 10).join("\n"));
  return comments;
}
