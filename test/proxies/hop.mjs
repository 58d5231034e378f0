// Something between a proxy and the server that loses answers: the server has heard a request, and
// the proxy must send it again.
import net from "node:net";

/** Opens a hop to a port; of the answers every fifth is lost. Gives its port. */
export async function losingHop(to) {
  let answers = 0;
  const hop = { lost: 0 };
  const server = net.createServer((near) => {
    const far = net.connect(to, "127.0.0.1");
    const end = () => (near.destroy(), far.destroy());
    let asked = false;
    near.on("data", (chunk) => {
      asked = true;
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
    for (const side of [near, far]) {
      side.on("error", end);
      side.on("close", end);
    }
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  server.unref();
  hop.port = server.address().port;
  return hop;
}
