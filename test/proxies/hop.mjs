// Something between a proxy and the server that fails.
import net from "node:net";

/** Opens a relay to a port. `relay(near, far, end, hop)` passes things on. Gives it with its port. */
async function open(to, relay) {
  const hop = { lost: 0 };
  const server = net.createServer((near) => {
    const far = net.connect(to, "127.0.0.1");
    const end = () => (near.destroy(), far.destroy());
    for (const side of [near, far]) {
      side.on("error", end);
      side.on("close", end);
    }
    relay(near, far, end, hop);
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  server.unref();
  hop.port = server.address().port;
  return hop;
}

/**
 * Of the answers to requests with one of these methods every fifth is lost: the server has heard
 * the request, and the proxy must send it again.
 */
export const losing = (...methods) => {
  let answers = 0;
  return (to) =>
    open(to, (near, far, end, hop) => {
      let asked = false;
      near.on("data", (chunk) => {
        const method = /^(GET|POST) \//.exec(chunk.toString("latin1", 0, 6))?.[1];
        if (method) asked = methods.includes(method);
        far.write(chunk);
      });
      far.on("data", (chunk) => {
        if (asked && ++answers % 5 === 0) {
          hop.lost++;
          return end();
        }
        asked = false;
        near.write(chunk);
      });
    });
};

/** Every connection is cut after this time, whatever goes over it. */
export const cutting = (after) => (to) =>
  open(to, (near, far, end) => {
    near.pipe(far);
    far.pipe(near);
    const timer = setTimeout(end, after);
    near.on("close", () => clearTimeout(timer));
  });
