import assert from "node:assert/strict";
import { io } from "socket.io-client";
import { until } from "../house/programs.mjs";
import { haproxy, nginx } from "../proxies/proxies.mjs";

/** Reads an event stream as EventSource does, but that it comes back at once. */
class Reader {
  heard = []; // data of events that are not the server's own
  own = []; // names of those that are
  opened = 0;
  #last = "";
  #over = new AbortController();

  constructor(url) {
    this.#run(url).catch((error) => (this.failure = error));
  }

  async #run(url) {
    while (!this.#over.signal.aborted) {
      const headers = this.#last ? { "Last-Event-ID": this.#last } : {};
      const answer = await fetch(url, { headers, signal: this.#over.signal });
      assert.equal(answer.status, 200);
      assert.equal(answer.headers.get("content-type"), "text/event-stream");
      this.opened++;
      await this.#read(answer.body.pipeThrough(new TextDecoderStream())).catch(() => {}); // it was cut
    }
  }

  async #read(chunks) {
    let text = "";
    for await (const chunk of chunks) {
      const events = (text + chunk).split("\n\n");
      text = events.pop();
      events.forEach((event) => this.#hear(event));
    }
  }

  #hear(event) {
    const fields = Object.fromEntries(event.split("\n").map((line) => line.split(/: (.*)/s).slice(0, 2)));
    this.#last = fields.id ?? this.#last;
    if (fields.event?.startsWith("sockeye:")) this.own.push(fields.event);
    else if (fields.event) this.heard.push(JSON.parse(fields.data));
  }

  close() {
    this.#over.abort();
  }
}

/** The proxies, as Debian has them, but that they cut what is silent for two seconds. */
const proxies = {
  nginx: nginx({ location: "proxy_read_timeout 2s;" }),
  HAProxy: haproxy({ defaults: "timeout server 2s" }),
};

async function throughProxy(start, server, room) {
  const proxy = await start(server.port);
  const reader = new Reader(`${proxy.url}/events?room=${room}`);
  const ann = io(server.url, { transports: ["websocket"], forceNew: true });
  const all = [];
  const say = async (upTo) => {
    while (all.length < upTo) {
      all.push(all.length);
      assert.equal(await ann.emitWithAck("say", room, all.length - 1), "ok");
    }
  };
  try {
    await until("the stream is open", () => reader.own.length === 1);
    await say(1);
    await until("one event comes through by itself", () => reader.heard.length === 1);
    assert.equal(reader.opened, 1, "it came on the first connection");
    await say(100);
    await until("the proxy has cut the stream twice", () => reader.opened === 3);
    await say(200);
    await until("the reader has heard all", () => reader.heard.length >= 200);
    assert.deepEqual(reader.heard, all);
    assert.ok(!reader.own.includes("sockeye:gap"), "nothing was missed");
    assert.equal(reader.failure, undefined);
  } finally {
    reader.close();
    ann.disconnect();
    await proxy.stop();
  }
}

export const events = Object.fromEntries(
  Object.entries(proxies).map(([name, start]) => [
    `an event stream comes through ${name} event by event, and misses nothing where that cuts it`,
    (server) => throughProxy(start, server, `kept:stream-${name}`),
  ]),
);
