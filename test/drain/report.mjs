// What a run comes to, as figures and as a page.
import { execFileSync } from "node:child_process";
import { cpus, loadavg } from "node:os";

const rank = (sorted, q) => sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? 0;

/** The most of some times that fall into one second, wherever it begins. */
export function peak(times) {
  const sorted = [...times].sort((a, b) => a - b);
  let most = 0;
  for (let first = 0, last = 0; last < sorted.length; last++) {
    while (sorted[last] - sorted[first] >= 1000) first++;
    most = Math.max(most, last - first + 1);
  }
  return most;
}

/** One restart in figures. Clients count as its own if their connection ended in its time. */
export function summary({ from, stopped, released, left }, losses, drain) {
  const own = losses.filter((loss) => loss.at >= from && loss.at <= stopped && loss.back);
  const times = own.map((loss) => loss.back);
  const away = own.map((loss) => loss.back - loss.at).sort((a, b) => a - b);
  const even = own.length / drain;
  const seconds = Array.from({ length: Math.ceil((Math.max(from, ...times) - from + 1) / 1000) }, () => 0);
  for (const time of times) seconds[Math.floor((time - from) / 1000)]++;
  return {
    released, left, came: own.length, took: stopped - from, even, peak: peak(times), ratio: peak(times) / even, seconds,
    recovered: own.filter((loss) => loss.recovered).length,
    away: { median: rank(away, 0.5), p99: rank(away, 0.99), max: away.at(-1) ?? 0 },
    reasons: [...new Set(own.map((loss) => loss.why))].join(", "),
  };
}

function version() {
  try {
    return execFileSync("git", ["describe", "--tags", "--always", "--dirty"], { encoding: "utf8" }).trim();
  } catch {
    return "dev";
  }
}

/** The page that is docs/evidence/drain.md. */
export function report(r, faults) {
  const rows = [
    ["connections that it had when it began to stop", (s) => s.released],
    ["clients that came to the other node", (s) => s.came],
    ["... recovered", (s) => s.recovered],
    ["sessions left when the drain was over", (s) => s.left],
    ["SIGTERM to exit, s", (s) => (s.took / 1000).toFixed(1)],
    ["even rate: clients ÷ drain, per second", (s) => s.even.toFixed(1)],
    ["most that came back in any second", (s) => s.peak],
    ["... ÷ even rate", (s) => `${s.ratio.toFixed(2)} (goal ≤ 2)`],
    ["away, ms: median / p99 / longest", (s) => `${s.away.median} / ${s.away.p99} / ${s.away.max}`],
    ["reason that clients saw", (s) => s.reasons],
  ];
  const series = r.restarts.map((s, i) => `    node ${i + 1}: ${s.seconds.join(" ")}`).join("\n");
  return `# Drain

Written by \`npm run prove\` in \`test/drain\`, which \`make prove\` runs. ${new Date().toISOString().slice(0, 10)}, version ${version()},
Node.js ${process.version}, ${cpus().length} CPUs, load average ${loadavg()[0].toFixed(1)} at the end; everything shares the machine.

${r.clients} official clients (socket.io-client 4.8.4, as it comes), a third each by polling, by WebSocket, and
upgrading, on two nodes with Redis and \`--recovery 2m --drain ${r.drain}s\`, behind HAProxy with
\`deploy/proxies/haproxy.cfg\`. Each of ${r.rooms} rooms hears a number every ${r.every} ms. Both nodes are restarted, one
after the other.

| | node 1 | node 2 |
|---|---:|---:|
${rows.map(([what, of]) => `| ${what} | ${r.restarts.map(of).join(" | ")} |`).join("\n")}

Clients that came back, in each second from SIGTERM:

${series}

| All clients together | |
|---|---:|
| numbers said and acknowledged | ${r.said} |
| numbers heard | ${r.heard} |
| **lost** | ${r.lost} |
| **doubled** | ${r.doubled} |
| attempts to connect that were refused, and tried again | ${r.refused} |

${faults.length === 0 ? "All of it as promised: pass." : `FAIL: ${faults.length} faults, such as: ${faults[0]}`}
`;
}
