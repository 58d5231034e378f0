// What one case owns: servers, wires, and the people in front of the pages.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { binary, Server, Wire } from "./server.mjs";
import { Person } from "./person.mjs";

export class House {
  #contexts = [];
  #owned = [];
  #noise = []; // what the pages' consoles said

  constructor(browser) {
    this.browser = browser;
  }

  /** Starts a server with these flags. */
  async server(...args) {
    const server = await Server.start(args);
    this.#owned.push({ close: () => server.stop() });
    this.log = () => server.log;
    return server;
  }

  /** Closes something with the case. */
  owns(thing) {
    this.#owned.push(thing);
  }

  /** A file with this text, for --config; returns its path. */
  async file(text) {
    const folder = await mkdtemp(join(tmpdir(), "sockeye-"));
    this.#owned.push({ close: () => rm(folder, { recursive: true }) });
    await writeFile(join(folder, "sockeye.yaml"), text);
    return join(folder, "sockeye.yaml");
  }

  /** Options of a server for a certificate of 127.0.0.1 that only itself vouches for. */
  async certificate() {
    const folder = await mkdtemp(join(tmpdir(), "sockeye-"));
    this.#owned.push({ close: () => rm(folder, { recursive: true }) });
    const [cert, key] = ["cert.pem", "key.pem"].map((name) => join(folder, name));
    execFileSync("openssl", [
      "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1",
      "-addext", "subjectAltName=IP:127.0.0.1", "-out", cert, "-keyout", key,
    ], { stdio: "ignore" });
    return ["--tls-cert", cert, "--tls-key", key];
  }

  /** What a server with these args makes of a command, such as a token. */
  async command(args, ...command) {
    return execFileSync(binary, [...command, ...args], { encoding: "utf8" });
  }

  /** A wire to the server, to give to people instead of it. */
  async wire(server) {
    const wire = await Wire.to(server);
    this.#owned.push(wire);
    return wire;
  }

  /** A browser profile of its own: pages in it are tabs of one user. */
  async profile(options = {}) {
    const context = await this.browser.newContext({ viewport: { width: 1280, height: 800 }, ...options });
    context.setDefaultTimeout(20_000);
    this.#contexts.push(context);
    return context;
  }

  /** A page of a profile, whose console is listened to. */
  async page(context) {
    const page = await context.newPage();
    page.on("pageerror", (error) => this.#noise.push(`${error.stack ?? error}`));
    page.on("console", (message) => {
      if (["error", "warning"].includes(message.type())) this.#noise.push(`${message.type()}: ${message.text()}`);
    });
    return page;
  }

  /** Somebody new, in the chat of the server or wire. */
  async person(place, nick, { query = "", prepare = async () => {}, ...options } = {}) {
    const context = await this.profile(options);
    const page = await this.page(context);
    await prepare(page);
    const person = new Person(this, context, page, nick);
    await person.enter(place.url, query);
    return person;
  }

  /** Forgives what a cut connection makes the browser itself complain about. */
  forgiveLostConnections() {
    this.forgiven = /net::ERR_|WebSocket connection to/;
  }

  /** Fails if a console said anything that was not forgiven. */
  assertQuiet() {
    assert.deepEqual(this.#noise.filter((line) => !this.forgiven?.test(line)), [], "the console of a page");
  }

  /** What helps to understand a failure. */
  async tell() {
    const lines = this.#noise.map((line) => `console: ${line}`);
    for (const context of this.#contexts) {
      for (const page of context.pages()) {
        const text = await page.evaluate(() => document.body.innerText).catch(() => "");
        lines.push(`page ${page.url()}: ${JSON.stringify(text.slice(0, 600))}`);
      }
    }
    return [...lines, ...(this.log?.() ?? "").trim().split("\n").slice(-10)];
  }

  async close() {
    for (const context of this.#contexts) await context.close();
    for (const owned of this.#owned.reverse()) await owned.close();
  }
}
