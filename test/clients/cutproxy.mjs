// A TCP proxy that can cut or freeze what runs through it, as networks do.
import net from "node:net";

export class CutProxy {
  #server;
  #pairs = new Set();
  #refusing = false;
  #frozen = false;
  #lag;

  // lag gives how long the first bytes of each WebSocket connection wait, in ms.
  static async open(url, lag) {
    const proxy = new CutProxy();
    proxy.#lag = lag;
    proxy.target = url; // of connections to come
    proxy.#server = net.createServer((near) => proxy.#accept(near));
    await new Promise((resolve) => proxy.#server.listen(0, "127.0.0.1", resolve));
    proxy.url = `http://127.0.0.1:${proxy.#server.address().port}`;
    return proxy;
  }

  #accept(near) {
    if (this.#refusing) return void near.resetAndDestroy();
    const { hostname, port } = new URL(this.target);
    const far = net.connect(Number(port), hostname);
    const pair = [near, far];
    this.#pairs.add(pair);
    const end = () => {
      if (this.#frozen) return;
      this.#pairs.delete(pair);
      near.destroy();
      far.destroy();
    };
    for (const side of pair) {
      side.setNoDelay(true);
      side.on("error", end);
      side.on("close", end);
    }
    far.pipe(near);
    if (!this.#lag) near.pipe(far);
    else {
      near.once("data", (chunk) => {
        near.pause();
        const go = () => {
          if (far.destroyed) return;
          far.write(chunk);
          near.pipe(far);
        };
        if (chunk.includes("transport=websocket")) setTimeout(go, this.#lag());
        else go();
      });
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
