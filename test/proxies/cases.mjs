// What proxies do, each with a real one: how it is configured, and where the client must end.
import assert from "node:assert/strict";
import { until } from "../house/programs.mjs";
import { cutting, losing } from "./hop.mjs";
import { haproxy, nginx, squid, upgrades } from "./proxies.mjs";
import { Visitor } from "./visitor.mjs";

const polling = "polling";
const websocket = "websocket";
const page = "https://app.example.com"; // of another origin
const squidUpgrades = "http_upgrade_request_protocols websocket allow all";

/**
 * The cases. A long run has the time-outs that people meet. In a short one they are shorter; where
 * they are longer than what the server does by itself, so is that.
 *
 * Of a case, `transport` is where the client ends, `cuts` how often it may be cut off before it
 * settles (never, unless said), `server` are flags of the server, `client` options of the client
 * that imitate what a browser does, `hop` stands between the proxy and the server (with `loses` it
 * must have lost answers, with `webSocketsByHop` only WebSockets go over it), and `after` looks at
 * what the server counted and logged, and at the proxy.
 */
export function cases(long) {
  // Idle WebSockets are cut after `silence` seconds; requests, of which the shortest hold is 5 s,
  // after `wait`.
  const silence = long ? 10 : 4;
  const wait = long ? 10 : 6.5;
  const slowly = long ? 10 : 7; // squid's, see below
  // And later than the server lets them be idle.
  const late = long ? 30 : 10;
  const lively = long ? [] : ["--ping-interval", "7s", "--poll-hold", "6s"];

  const withheld = async (counts, url, log) => {
    assert.match(log, /level=WARN msg="upgrades withheld: .* remote=127.0.0.1 died=[3-9] /, "the log");
    assert.equal(counts.sockeye_upgrades_withheld_addresses, 1, "addresses without upgrade");
    assert.ok(counts.sockeye_upgrades_withheld_total >= 1, "handshakes without upgrade");
    const alone = new Visitor(url, { transports: [websocket], forceNew: true });
    try {
      await until("a client by WebSocket alone is taken all the same", () => alone.connectedAfter !== undefined);
    } finally {
      alone.end();
    }
  };
  const pinged = (counts, _, log) => {
    assert.match(log, /level=WARN msg="idle WebSockets of this address are cut: .* remote=127.0.0.1 idle=/, "the log");
    assert.equal(counts.sockeye_keepalive_addresses, 1, "addresses that are pinged more often");
    assert.equal(counts.sockeye_upgrades_withheld_total, 0, "handshakes without upgrade");
  };

  return [
    { does: "nothing special", proxy: "nginx", start: nginx({ location: upgrades }), transport: websocket },
    { does: "nothing special", proxy: "HAProxy", start: haproxy(), transport: websocket },
    { does: "nothing special", proxy: "squid", start: squid(squidUpgrades), transport: websocket },

    { does: "the Upgrade header is removed", proxy: "nginx", start: nginx({ location: "proxy_http_version 1.1;" }), transport: polling },
    {
      does: "the Upgrade header is removed",
      proxy: "HAProxy",
      start: haproxy({ frontend: "http-request del-header Upgrade" }),
      transport: polling,
    },
    { does: "the Upgrade header is removed", proxy: "squid", start: squid(), transport: polling },

    {
      does: "WebSockets are cut after a second of silence",
      proxy: "nginx",
      start: nginx({
        location: "if ($http_upgrade) { rewrite ^ /websocket last; }",
        more: ({ app }) => `
          location /websocket {
            internal;
            proxy_pass http://127.0.0.1:${app}/socket.io/;
            ${upgrades}
            proxy_read_timeout 1s;
          }`,
      }),
      transport: polling,
      cuts: 4,
      after: withheld,
    },
    {
      does: "WebSockets are cut after a second of silence",
      proxy: "HAProxy",
      start: haproxy({ defaults: "timeout tunnel 1s" }),
      transport: polling,
      cuts: 4,
      after: withheld,
    },
    ...[
      [
        "nginx",
        nginx({
          location: "if ($http_upgrade) { rewrite ^ /websocket last; }",
          more: ({ other }) => `
            location /websocket {
              internal;
              proxy_pass http://127.0.0.1:${other}/socket.io/;
              ${upgrades}
            }`,
        }),
      ],
      [
        "HAProxy",
        haproxy({
          frontend: "use_backend websocket if { req.hdr(Upgrade) -m found }",
          more: ({ other }) => `
        backend websocket
          server app 127.0.0.1:${other}`,
        }),
      ],
      [
        "squid",
        squid(squidUpgrades, ({ other }) => `
acl websocket req_header Upgrade -i websocket
cache_peer 127.0.0.1 parent ${other} 0 no-query no-digest no-netdb-exchange originserver name=websocket
cache_peer_access websocket allow websocket
cache_peer_access websocket deny all
cache_peer_access app deny websocket
cache_peer_access app allow all`),
      ],
    ].map(([proxy, start]) => ({
      does: "WebSockets are cut every second, silent or not",
      proxy,
      hop: cutting(1000),
      webSocketsByHop: true,
      start,
      transport: polling,
      cuts: 4,
      after: withheld,
    })),

    {
      does: "responses are buffered",
      proxy: "nginx",
      start: nginx({ location: "proxy_buffering on; proxy_buffers 8 64k; proxy_buffer_size 64k; proxy_request_buffering on;" }),
      transport: polling,
    },
    {
      does: "responses are buffered and compressed",
      proxy: "nginx",
      start: nginx({ http: () => "gzip on; gzip_types *; gzip_min_length 1; gzip_proxied any;", location: `${upgrades} postpone_output 1460;` }),
      transport: websocket,
    },
    {
      does: "responses are compressed", // it has no buffer for more
      proxy: "HAProxy",
      start: haproxy({ defaults: "compression algo gzip\n compression type text/plain", frontend: "http-request del-header Upgrade" }),
      transport: polling,
    },
    { does: "responses are read ahead", proxy: "squid", start: squid("read_ahead_gap 1 MB"), transport: polling },

    // Of the cuts one may not count: the client says goodbye at once, and the server may hear that
    // before it sees that the connection of the poll is gone.
    ...[wait, late].flatMap((after) => [
      {
        does: `waiting requests are cut after ${after} s`,
        proxy: "nginx",
        start: nginx({ location: `proxy_read_timeout ${after * 1000}ms;` }),
        transport: polling,
        server: after === late ? lively : [],
        cuts: after === late ? 0 : 3,
      },
      {
        does: `waiting requests are cut after ${after} s`,
        proxy: "HAProxy",
        start: haproxy({ defaults: `timeout server ${after * 1000}ms`, frontend: "http-request del-header Upgrade" }),
        transport: polling,
        server: after === late ? lively : [],
        cuts: after === late ? 0 : 3,
      },
    ]),
    // squid looks at its time-outs now and then: it cuts up to half a second too early and a second
    // and a half too late, of which short ones would consist.
    ...[slowly, late].flatMap((after) => [
      {
        does: `waiting requests are cut after ${after} s`,
        proxy: "squid",
        start: squid(`read_timeout ${after} seconds`),
        transport: polling,
        server: after === late ? lively : [],
        cuts: after === late ? 0 : 3,
      },
      {
        does: `silent WebSockets, and requests, are cut after ${after} s`,
        proxy: "squid",
        start: squid(`${squidUpgrades}\nread_timeout ${after} seconds`),
        transport: websocket,
        server: after === late ? lively : [],
        cuts: after === late ? 0 : 2,
        after: after === late ? undefined : pinged,
      },
    ]),
    {
      does: `waiting requests are cut after ${wait} s and sent again`,
      proxy: "HAProxy",
      start: haproxy({
        defaults: `timeout server ${wait * 1000}ms\n retries 3\n retry-on response-timeout conn-failure empty-response`,
        frontend: "http-request del-header Upgrade",
      }),
      transport: polling,
    },
    ...[silence, late].flatMap((after) => [
      {
        does: `silent WebSockets, and requests, are cut after ${after} s`,
        proxy: "nginx",
        start: nginx({ location: `${upgrades} proxy_read_timeout ${after}s; proxy_send_timeout ${after}s;` }),
        transport: websocket,
        server: after === late ? lively : [],
        cuts: after === late ? 0 : 2,
        after: after === late ? undefined : pinged,
      },
      {
        does: `silent WebSockets, and requests, are cut after ${after} s`,
        proxy: "HAProxy",
        start: haproxy({ defaults: `timeout server ${after}s\n timeout client ${after}s` }),
        transport: websocket,
        server: after === late ? lively : [],
        cuts: after === late ? 0 : 2,
        after: after === late ? undefined : pinged,
      },
    ]),

    // Neither HAProxy nor squid can be made to speak it.
    { does: "HTTP/1.0 towards the server", proxy: "nginx", start: nginx(), transport: polling },
    {
      does: "HTTP/1.0 towards the server, with the headers of an upgrade",
      proxy: "nginx",
      start: nginx({ location: `${upgrades.replace("1.1", "1.0")}` }),
      transport: polling,
    },

    {
      does: "keep-alive is off",
      proxy: "nginx",
      start: nginx({ http: () => "keepalive_timeout 0;", location: upgrades }),
      transport: websocket,
    },
    {
      does: "keep-alive is off",
      proxy: "HAProxy",
      start: haproxy({ defaults: "option httpclose", frontend: "http-request del-header Upgrade" }),
      transport: polling,
    },
    {
      does: "keep-alive is off",
      proxy: "squid",
      start: squid("client_persistent_connections off\nserver_persistent_connections off"),
      transport: polling,
    },

    {
      does: "requests whose answer was lost are sent again",
      proxy: "nginx",
      hop: losing("GET", "POST"),
      loses: true,
      start: nginx({
        http: ({ app }) => `upstream app { server 127.0.0.1:${app} max_fails=0; server 127.0.0.1:${app} max_fails=0; }`,
        to: "app",
        location: "proxy_next_upstream error timeout non_idempotent;",
      }),
      transport: polling,
    },
    {
      does: "requests whose answer was lost are sent again",
      proxy: "HAProxy",
      hop: losing("GET", "POST"),
      loses: true,
      start: haproxy({
        global: () => "tune.bufsize 131072",
        defaults: "option http-buffer-request\n retries 3\n retry-on all-retryable-errors",
        frontend: "http-request del-header Upgrade",
      }),
      transport: polling,
    },

    {
      does: "GETs whose answer was lost are sent again", // never a POST
      proxy: "squid",
      hop: losing("GET"),
      loses: true,
      start: squid(),
      transport: polling,
    },

    {
      does: "GETs are cached where that is allowed",
      proxy: "nginx",
      start: nginx({
        http: () => "proxy_cache_path cache keys_zone=answers:1m;",
        location: "proxy_cache answers; proxy_cache_valid any 10m;",
      }),
      transport: polling,
    },
    {
      does: "GETs are cached though that is forbidden",
      proxy: "nginx",
      start: nginx({
        http: () => "proxy_cache_path cache keys_zone=answers:1m;",
        location: "proxy_cache answers; proxy_cache_valid any 10m; proxy_ignore_headers Cache-Control Expires Vary Set-Cookie;",
      }),
      transport: polling,
    },
    {
      does: "GETs are cached where that is allowed",
      proxy: "HAProxy",
      start: haproxy({
        frontend: "http-request del-header Upgrade\n http-request cache-use answers\n http-response cache-store answers",
        more: () => "cache answers\n total-max-size 4\n max-age 60",
      }),
      transport: polling,
    },
    { does: "GETs are cached where that is allowed", proxy: "squid", start: squid("cache_mem 8 MB"), transport: polling },
    {
      does: "GETs are cached though that is forbidden",
      proxy: "squid",
      start: squid("cache_mem 8 MB\nrefresh_pattern . 1440 100% 1440 override-expire override-lastmod ignore-no-store ignore-private ignore-reload store-stale"),
      transport: polling,
    },

    ...[
      ["nginx", nginx({ location: `${upgrades} proxy_set_header Origin '';` }), websocket],
      ["HAProxy", haproxy({ frontend: "http-request del-header Origin" }), websocket],
      ["squid", squid("request_header_access Origin deny all"), polling],
    ].map(([proxy, start, transport]) => ({
      does: "the Origin header is removed",
      proxy,
      start,
      transport,
      server: ["--origins", page],
      client: { extraHeaders: { Origin: page } },
      after: async (_, url) => {
        const { headers } = await fetch(`${url}/socket.io/?EIO=4&transport=polling`, { headers: { Origin: page } });
        assert.equal(headers.get("access-control-allow-origin"), page, "who may read the answers");
      },
    })),

    ...[
      ["nginx", nginx({ location: "client_max_body_size 8k;" })],
      [
        "HAProxy",
        haproxy({
          defaults: "option http-buffer-request",
          frontend: "http-request del-header Upgrade\n http-request deny status 413 if { req.body_size gt 8192 }",
        }),
      ],
      ["squid", squid("request_body_max_size 8 KB")],
    ].map(([proxy, start]) => ({
      does: "bodies above 8 KiB are refused",
      proxy,
      start,
      transport: polling,
      server: ["--max-payload", "8000"],
    })),
  ];
}
