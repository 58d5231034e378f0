// nginx, HAProxy and squid from Debian, each as one process with a configuration of its own.
import { chmodSync, existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Program, folder, freePort } from "../house/programs.mjs";

// Debian keeps daemons where not everyone's path leads.
const daemon = (name) => [`/usr/sbin/${name}`, `/usr/local/sbin/${name}`].find(existsSync) ?? name;

/**
 * Starts a proxy in front of a port; `config(place)` makes the text of its configuration. `other`
 * is a second port behind it, where WebSockets go in some cases.
 */
async function start(name, args, config, app, other) {
  const place = { app, other, port: await freePort(), dir: folder() };
  chmodSync(place.dir, 0o777); // squid gives up the rights it was started with
  const file = join(place.dir, "proxy.conf");
  writeFileSync(file, `${config(place).trim()}\n`);
  const program = await Program.start(daemon(name), args(file, place), { port: place.port });
  program.url = `http://127.0.0.1:${place.port}`;
  program.dir = place.dir;
  return program;
}

/**
 * nginx. `location` is what stands in the location that passes requests on, `more` what stands
 * beside it in the server, `http` above the server; `to` names an upstream.
 */
export const nginx =
  ({ location = "", more = () => "", http = () => "", to } = {}) =>
  (app, other) =>
    start(
      "nginx",
      (file, { dir }) => ["-p", dir, "-c", file, "-e", "stderr"],
      (place) => `
        daemon off;
        master_process off;
        error_log stderr error;
        pid nginx.pid;
        events { worker_connections 256; }
        http {
          access_log off;
          ${["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map((of) => `${of}_temp_path ${of};`).join(" ")}
          map $http_upgrade $connection_upgrade { default upgrade; '' ''; }
          ${http(place)}
          server {
            listen 127.0.0.1:${place.port};
            location / {
              proxy_pass http://${to ?? `127.0.0.1:${place.app}`};
              proxy_set_header Host $http_host;
              ${location}
            }
            ${more(place)}
          }
        }`,
      app,
      other,
    );

/** What nginx needs to let WebSockets through. */
export const upgrades = `
  proxy_http_version 1.1;
  proxy_set_header Upgrade $http_upgrade;
  proxy_set_header Connection $connection_upgrade;`;

/** HAProxy. `frontend`, `backend` and `more` are lines of those sections, and sections after them. */
export const haproxy =
  ({ global = () => "", defaults = "", frontend = "", backend = "", more = () => "" } = {}) =>
  (app, other) =>
    start(
      "haproxy",
      (file) => ["-db", "-f", file],
      (place) => `
        global
          maxconn 200
          nbthread 1
          ${global(place)}
        defaults
          mode http
          timeout connect 5s
          timeout client 60s
          timeout server 60s
          ${defaults}
        frontend front
          bind 127.0.0.1:${place.port}
          ${frontend}
          default_backend app
        backend app
          ${backend}
          server app 127.0.0.1:${place.app}
        ${more(place)}
        `,
      app,
      other,
    );

/** squid, in front of the server as if it were that server. `lines` are more of its configuration. */
export const squid =
  (lines = "", more = () => "") =>
  (app, other) =>
    start(
      "squid",
      (file) => ["-N", "-f", file],
      ({ port, dir, other }) => `
http_port 127.0.0.1:${port} accel defaultsite=127.0.0.1 no-vhost
cache_peer 127.0.0.1 parent ${app} 0 no-query no-digest no-netdb-exchange originserver name=app
http_access allow all
icp_port 0
pinger_enable off
max_filedescriptors 512
pid_filename none
cache_log ${dir}/log
access_log none
cache_store_log none
netdb_filename none
coredump_dir ${dir}
visible_hostname localhost
shutdown_lifetime 0 seconds
${lines}
${more({ other })}
`,
      app,
      other,
    );
