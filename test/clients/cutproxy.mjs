// A TCP proxy that can cut or freeze what runs through it, as networks do.
import net from "node:net";

export class CutProxy {
  #server;
  #pairs = new Set();
  #refusing = false;
  #frozen = false;

  static async open(url) {
    const proxy = new CutProxy();
    const { hostname, port } = new URL(url);
    proxy.#server = net.createServer((near) => proxy.#accept(near, hostname, Number(port)));
    await new Promise((resolve) => proxy.#server.listen(0, "127.0.0.1", resolve));
    proxy.url = `http://127.0.0.1:${proxy.#server.address().port}`;
    return proxy;
  }

  #accept(near, host, port) {
    if (this.#refusing) return void near.resetAndDestroy();
    const far = net.connect(port, host);
    const pair = [near, far];
    this.#pairs.add(pair);
    const end = () => {
      if (this.#frozen) return;
      this.#pairs.delete(pair);
      near.destroy();
      far.destroy();
    };
    for (const [from, to] of [pair, [far, near]]) {
      from.setNoDelay(true);
      from.on("error", end);
      from.on("close", end);
      from.pipe(to);
    }
    if (this.#frozen) pair.forEach((s) => s.pause());
  }

  // cut resets every connection and refuses new ones until mend.
  cut() {
    this.#refusing = true;
    for (const pair of this.#pairs) pair.forEach((s) => s.resetAndDestroy());
  }

  mend() {
    this.#refusing = false;
  }

  // freeze stops the bytes and leaves the connections open.
  freeze() {
    this.#frozen = true;
    for (const [near, far] of this.#pairs) {
      near.unpipe(far);
      far.unpipe(near);
      near.pause();
      far.pause();
    }
  }

  close() {
    this.#server.close();
    for (const pair of this.#pairs) pair.forEach((s) => s.destroy());
  }
}
