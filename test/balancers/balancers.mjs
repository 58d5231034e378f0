// The load balancers of Debian, with the configurations that are in deploy/proxies for
// people to use: only addresses, ports and the place of the certificate are changed.
import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Program, folder, freePort, root } from "../house/programs.mjs";

/** A self-signed certificate of 127.0.0.1, as files and as text. */
export function certificate() {
  const dir = folder();
  const [cert, key, both] = ["cert.pem", "key.pem", "both.pem"].map((name) => join(dir, name));
  const made = spawnSync(
    "openssl",
    ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-keyout", key, "-out", cert]
      .concat(["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]),
    { encoding: "utf8" },
  );
  if (made.status !== 0) throw new Error(`openssl: ${made.error ?? made.stderr}`);
  const text = readFileSync(cert, "utf8");
  writeFileSync(both, text + readFileSync(key, "utf8"));
  return { cert, key, both, text };
}

/** Writes a file of deploy/proxies with other addresses, each of which must be in it. */
function deployed(name, dir, changes) {
  let text = readFileSync(join(root, "deploy", "proxies", name), "utf8");
  for (const [from, to] of Object.entries(changes)) {
    if (!text.includes(from)) throw new Error(`deploy/proxies/${name} does not say ${from}`);
    text = text.replaceAll(from, to);
  }
  const path = join(dir, name);
  writeFileSync(path, text);
  return path;
}

/** The changes that give a file its three nodes. */
function nodesAt(nodes) {
  return Object.fromEntries(nodes.map((node, i) => [`10.0.0.${11 + i}:3000`, `127.0.0.1:${node.port}`]));
}

const starters = {
  async nginx(nodes, tls, plain, secure) {
    const dir = folder();
    const site = deployed("nginx.conf", dir, {
      ...nodesAt(nodes),
      "listen 80;": `listen 127.0.0.1:${plain};`,
      "listen 443 ssl http2;": `listen 127.0.0.1:${secure} ssl http2;`,
      "/etc/ssl/sockeye/cert.pem": tls.cert,
      "/etc/ssl/sockeye/key.pem": tls.key,
    });
    const main = join(dir, "main.conf");
    const temp = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map((t) => `${t}_temp_path ${join(dir, t)};`).join(" ");
    writeFileSync(
      main,
      `daemon off; master_process off; pid ${join(dir, "pid")}; error_log stderr warn; worker_rlimit_nofile 16384;
      events { worker_connections 8192; }
      http { access_log off; ${temp} include ${site}; }`,
    );
    return Program.start("/usr/sbin/nginx", ["-e", "stderr", "-p", dir, "-c", main], { port: plain });
  },

  async haproxy(nodes, tls, plain, secure) {
    const fewer = [1, 2, 3].slice(nodes.length).map((i) => [`    server node${i} 10.0.0.1${i}:3000\n`, ""]);
    const path = deployed("haproxy.cfg", folder(), {
      ...nodesAt(nodes),
      ...Object.fromEntries(fewer),
      "bind :80": `bind 127.0.0.1:${plain}`,
      "bind :443": `bind 127.0.0.1:${secure}`,
      "/etc/ssl/sockeye/both.pem": tls.both,
      "maxconn 20000": "maxconn 8000", // what the descriptors of a test machine are enough for
    });
    return Program.start("/usr/sbin/haproxy", ["-db", "-f", path], { port: plain });
  },

  async caddy(nodes, tls, plain, secure) {
    const dir = folder();
    // Once for each address: with TLS, and without.
    const sites = [`http://127.0.0.1:${plain} {`, `https://127.0.0.1:${secure} {\n\ttls ${tls.cert} ${tls.key}`].map((site) => `${site}\n\tbind 127.0.0.1`);
    const imports = sites.map((site) => `import ${deployed("Caddyfile", folder(), { ...nodesAt(nodes), "app.example.com {": site })}\n`);
    const main = join(dir, "main");
    // No address of Caddy's own, none on port 80, and none for HTTP/3.
    writeFileSync(main, `{\n\tadmin off\n\tauto_https disable_redirects\n\tservers {\n\t\tprotocols h1 h2\n\t}\n}\n${imports.join("")}`);
    return Program.start("caddy", ["run", "--config", main, "--adapter", "caddyfile"], {
      port: plain,
      env: { HOME: dir, XDG_DATA_HOME: dir, XDG_CONFIG_HOME: dir },
    });
  },
};

export const names = Object.keys(starters);

/** Starts a balancer and gives it with the addresses where it takes clients. */
export async function balance(name, nodes, tls) {
  const [plain, secure] = [await freePort(), await freePort()];
  const program = await starters[name](nodes, tls, plain, secure);
  return { program, http: `http://127.0.0.1:${plain}`, https: `https://127.0.0.1:${secure}` };
}
