// What a case works with: clients on the nodes, and waiting for what they get.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { io } from "socket.io-client";
import { until } from "../house/programs.mjs";

const msgpack = createRequire(import.meta.url)("socket.io-msgpack-parser");
const patience = 12_000; // ms, for what must happen on a busy machine

let serial = 0;

/** Rejects with what was awaited when a promise takes too long. */
export function within(what, promise, ms = patience) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not within ${ms} ms: ${what}`)), ms);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

/**
 * An event without the offset that namespaces with recovery add to it: "1732500000000-0" on
 * Node.js, "m3x9k2a1-2.1f.q3Zt" on Sockeye.
 */
export function withoutOffset(event) {
  const offset = /^(\d+-\d+|[0-9a-z]+(-[0-9a-z]+)?\.[0-9a-z]+\.[\w-]+)$/;
  return offset.test(event.at(-1)) ? event.slice(0, -1) : event;
}

/** A client of one node. It keeps what it gets in `inbox`, a list of [event, ...args]. */
export class Person {
  constructor(name, node, nsp, { rooms = [], data, transport = "websocket", parser, mute = false, query } = {}) {
    this.name = name;
    this.node = node;
    this.inbox = [];
    this.fences = new Set();
    this.socket = io(node.url + nsp, {
      transports: [transport],
      forceNew: true,
      reconnection: false,
      auth: { rooms, data, who: name },
      query: { person: name, ...query },
      extraHeaders: { "x-test": name },
      ...(parser === "msgpack" && { parser: msgpack }),
    });
    this.socket.onAny((event, ...args) => {
      if (event === "fence") return this.fences.add(args[0]);
      const ack = typeof args.at(-1) === "function" ? args.pop() : undefined;
      this.inbox.push(this.socket._pid ? withoutOffset([event, ...args]) : [event, ...args]);
      if (event === "ask" && !mute) ack?.(...this.answer(args));
    });
    this.socket.on("disconnect", (reason) => (this.ended = reason));
  }

  /** What it answers to the event "ask". */
  answer() {
    return [this.name];
  }

  get id() {
    return this.socket.id;
  }

  /** The first arguments of the events of one name. */
  heard(event) {
    return this.inbox.filter(([name]) => name === event).map(([, first]) => first);
  }

  async connected() {
    await within(
      `${this.name} connects to ${this.node.name}`,
      new Promise((resolve, reject) => {
        this.socket.once("connect", resolve);
        this.socket.once("connect_error", (err) => reject(new Error(`${this.name}: ${err.message}`)));
      }),
    );
    return this;
  }
}

/** One run of one case, in a namespace of its own. */
export class Stage {
  #people = [];

  constructor(cluster, combination) {
    this.cluster = cluster;
    this.combination = combination;
    this.nsp = `/case-${process.pid}-${++serial}`;
  }

  /** The nodes that publish in most cases: one of each kind, and then the emitter. */
  get publishers() {
    return [this.cluster.s1, this.cluster.n1, this.cluster.emitter];
  }

  /** The nodes that ask in most cases: an emitter hears no answers. */
  get askers() {
    return [this.cluster.s1, this.cluster.n1];
  }

  /** A room that nothing else uses. */
  room(name = "room") {
    return `${name}-${++serial}`;
  }

  /** Connects one client. */
  async join(nodeName, { nsp = this.nsp, name = `${nodeName}.${++serial}`, ...options } = {}) {
    const person = new Person(name, this.cluster[nodeName], nsp, options);
    this.#people.push(person);
    return person.connected();
  }

  /** Connects a client to each of the nodes, and waits until all nodes know each other in the namespace. */
  async everywhere(options = {}, nodes = ["s1", "s2", "n1", "n2"]) {
    const people = await Promise.all(nodes.map((name) => this.join(name, options)));
    await this.assembled(options.nsp, nodes.length, nodes);
    return people;
  }

  /** Waits until nodes count as many of them in a namespace. */
  async assembled(nsp = this.nsp, count = 4, nodes = ["s1", "s2", "n1", "n2"]) {
    await Promise.all(nodes.map((name) => this.#counts(name, nsp, count)));
  }

  async #counts(name, nsp, count) {
    let last;
    const counts = async () => {
      // A node that does not hear the others yet answers with an error.
      last = await this.cluster[name].do({ op: "count", nsp }).catch((err) => err.message);
      return last === count;
    };
    await until(`${name} counts ${count} nodes in ${nsp}`, counts, patience).catch((err) => {
      throw new Error(`${err.message}: the last answer was ${last}`);
    });
  }

  /**
   * Waits until every node hears every publisher. Node's streams adapter may miss entries
   * until it has read its first one.
   */
  async warm() {
    const people = await this.everywhere({ nsp: "/" });
    for (const publisher of [...this.cluster.nodes, this.cluster.emitter]) {
      await until(`everyone hears ${publisher.name}`, async () => {
        await publisher.do({ op: "emit", nsp: "/", event: publisher.name });
        return people.every((person) => person.inbox.some(([event]) => event === publisher.name));
      }, patience);
    }
    this.end();
  }

  /** Does an operation in the namespace of the case. */
  do(node, op) {
    return node.do({ nsp: this.nsp, ...op });
  }

  /**
   * Whether a publisher's messages may overtake each other: Node's clients of a Redis Cluster
   * publish on any of its servers.
   */
  unordered(publisher) {
    return this.combination.sharded && this.combination.adapter === "redis" && publisher.kind !== "sockeye";
  }

  /** Makes sure that what a publisher emitted so far has reached clients. */
  async fence(publisher, people = this.#people, nsp = this.nsp) {
    for (let i = 0; i < (this.unordered(publisher) ? 3 : 1); i++) await this.#fence(publisher, people, nsp);
  }

  async #fence(publisher, people, nsp) {
    const id = ++serial;
    await publisher.do({ op: "emit", nsp, event: "fence", args: [id] });
    const there = people.filter((p) => p.socket.connected);
    await until(`the fence of ${publisher.name}`, () => there.every((p) => p.fences.has(id)), patience).catch((err) => {
      const without = there.filter((p) => !p.fences.has(id)).map((p) => p.name);
      throw new Error(`${err.message}: missing at ${without.join(", ")}`);
    });
  }

  /**
   * Expects that each client got these events since the last time and nothing else, after
   * a fence of the publisher. `wanted` is a Map of clients and lists; the others get nothing.
   */
  async got(publisher, wanted, people = this.#people) {
    await this.fence(publisher, people);
    const all = () => people.every((p) => p.inbox.length >= (wanted.get(p)?.length ?? 0));
    await until("events", all, 3_000).catch(() => {}); // the assertion says what is missing
    const listed = this.unordered(publisher) ? (list) => list.sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1)) : (list) => list;
    const actual = Object.fromEntries(people.map((p) => [p.name, listed(p.inbox)]));
    const expected = Object.fromEntries(people.map((p) => [p.name, listed([...(wanted.get(p) ?? [])])]));
    for (const p of people) p.inbox = [];
    assert.deepEqual(actual, expected, `emitted by ${publisher.name}`);
  }

  /** Everybody who has connected in this run. */
  people() {
    return [...this.#people];
  }

  /** Waits until something is so. */
  until(what, condition) {
    return until(what, condition, patience);
  }

  end() {
    for (const person of this.#people) person.socket.disconnect();
  }
}

/** A Map with the same list for each of some clients. */
export function each(people, ...events) {
  return new Map(people.map((p) => [p, events]));
}
