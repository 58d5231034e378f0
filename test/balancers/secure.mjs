// Nodes that end TLS themselves, behind a balancer that passes bytes on and takes turns with
// connections. Their certificate is replaced while the clients talk.
import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import net from "node:net";
import { join } from "node:path";
import tls from "node:tls";
import { folder, sockeye, until } from "../house/programs.mjs";
import { crowd } from "./crowd.mjs";
import { pollOverHTTP2 } from "./http2.mjs";
import { metric } from "./owners.mjs";

function openssl(...args) {
  const { status, error, stderr } = spawnSync("openssl", args, { encoding: "utf8" });
  if (status !== 0) throw new Error(`openssl ${args[0]}: ${error ?? stderr}`);
}

/** An authority of its own, which issues certificates of localhost into cert.pem and key.pem. */
class Authority {
  dir = folder();
  #ca = ["ca.pem", "ca.key"].map((name) => join(this.dir, name));

  constructor() {
    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=test authority", "-out", this.#ca[0], "-keyout", this.#ca[1]);
    this.text = readFileSync(this.#ca[0], "utf8");
  }

  get files() {
    return ["cert.pem", "key.pem"].map((name) => join(this.dir, name));
  }

  issue() {
    const at = (name) => join(this.dir, name);
    writeFileSync(at("ext"), "subjectAltName=DNS:localhost\nextendedKeyUsage=serverAuth\n");
    openssl("req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost", "-out", at("req"), "-keyout", at("new.key"));
    openssl("x509", "-req", "-in", at("req"), "-CA", this.#ca[0], "-CAkey", this.#ca[1], "-CAcreateserial", "-days", "2", "-extfile", at("ext"), "-out", at("new.pem"));
    const leaf = readFileSync(at("new.pem"), "utf8");
    writeFileSync(this.files[0], leaf + this.text);
    writeFileSync(this.files[1], readFileSync(at("new.key")));
  }
}

/** Passes the bytes of each connection to the next node. */
function takeTurns(nodes) {
  let turn = 0;
  const server = net.createServer((near) => {
    const far = net.connect(nodes[turn++ % nodes.length].port, "127.0.0.1");
    for (const [one, other] of [[near, far], [far, near]]) {
      one.on("error", () => other.destroy());
      one.pipe(other);
    }
  });
  return new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(server)));
}

/** The serial number of the certificate that a node shows, and what was agreed on. */
function shown(port, ca) {
  return new Promise((resolve, reject) => {
    const socket = tls.connect({ port, host: "127.0.0.1", servername: "localhost", ca, ALPNProtocols: ["h2", "http/1.1"] }, () => {
      resolve({ serial: socket.getPeerCertificate().serialNumber, protocol: socket.alpnProtocol });
      socket.destroy();
    });
    socket.on("error", reject);
  });
}

/** Gives the faults, and what can be said. */
export async function secure({ redis, clients, messages }) {
  const authority = new Authority();
  authority.issue();
  const [cert, key] = authority.files;
  const args = ["--redis-url", redis.url, "--redis-prefix", "secure", "--tls-cert", cert, "--tls-key", key, "--metrics-listen", "127.0.0.1:0"];
  const nodes = await Promise.all([0, 1, 2].map(() => sockeye(args)));
  for (const node of nodes) node.url = await until("the metrics' address is told", () => /msg="metrics are at" url=(\S+)\/metrics/.exec(node.output)?.[1]);
  const balancer = await takeTurns(nodes);
  const url = `https://localhost:${balancer.address().port}`;
  const faults = [];
  try {
    const serials = () => Promise.all(nodes.map(async (node) => (await shown(node.port, authority.text)).serial));
    const before = await serials();
    const talk = crowd({ url, ca: authority.text, clients, messages, name: "secure" });
    authority.issue();
    nodes[0].child.kill("SIGHUP"); // the others find out by themselves
    await until("all nodes show the new certificate", async () => (await serials()).every((serial) => !before.includes(serial)));
    const result = await talk;
    faults.push(...result.faults);
    if (result.faults.length === 0 && result.heard !== result.expected) faults.push(`${result.heard} of ${result.expected} messages were heard`);
    const again = await crowd({ url, ca: authority.text, clients: 12, messages, name: "secure again" });
    faults.push(...again.faults, ...(await pollOverHTTP2({ url, ca: authority.text, messages: 50 })));
    if ((await shown(nodes[0].port, authority.text)).protocol !== "h2") faults.push("HTTP/2 is not offered");
    const sum = async (...of) => (await Promise.all(nodes.map((node) => metric(node, ...of)))).reduce((a, b) => a + b, 0);
    const carried = await sum("carried_requests_total", 'role="sent"');
    if (carried === 0) faults.push("nothing was carried");
    for (const name of ["carry_failures_total", "requests_refused_total"]) {
      const n = await sum(name);
      if (n > 0) faults.push(`${name} is ${n}`);
    }
    return { faults, more: `${result.heard} messages and echoes in order, ${carried} requests carried by HTTPS, a new certificate meanwhile` };
  } finally {
    balancer.close();
    await Promise.all(nodes.map((node) => node.stop()));
  }
}
