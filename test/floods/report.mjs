// docs/evidence/floods.md: how the good fared, as a table.
import os from "node:os";

const most = 1.5; // times the p99 without hostile clients

const kinds = {
  events: "events at twice the rate, half of them with an acknowledgement; reconnecting when sent away",
  bytes: "noops, pings, pongs, fragments, answers to nothing and long events",
  handshakes: "polling handshakes on connections of their own, and requests for sessions that never were",
  namespaces: "connects to namespaces of a pattern and to unknown ones",
  rooms: "joins of one room after the other",
  "half-open": "silent connections, half a header, a byte a second, and WebSockets nobody reads",
};

const median = (list) => list.toSorted((a, b) => a - b)[Math.floor(list.length / 2)];
const ms = (n) => n.toFixed(1);

/** The page, and what is slower than it may be. */
export function report(rows, { good, every, each, hostile }) {
  const quiet = rows.filter((row) => !row.way);
  const base = median(quiet.map((row) => row.good.p99));
  const slow = [];
  const lines = rows
    .filter((row) => row.way)
    .map(({ way, good, hostile, met, rate }) => {
      const ratio = good.p99 / base;
      if (ratio > most) slow.push(`${way}: p99 is ${ratio.toFixed(2)} times that without hostile clients`);
      // The relay's limit of rooms is in no counter of its own: its answers are.
      const limits = met.map(([name, n]) => `${name}: ${n}`).join("<br>") || `answers that say so: ${hostile.limited}`;
      return `| ${way} | ${rate}/s | ${hostile.sent} | ${limits} | ${good.acks} | ${good.cuts.length + good.missing + good.wrong.length} | ${ms(good.p50)} | ${ms(good.p99)} | ${ms(good.max)} | ${ratio.toFixed(2)} |`;
    });
  const text = `# Floods

Written by \`npm run prove\` in \`test/floods\` (part of \`make prove\`), ${new Date().toISOString().slice(0, 10)}, ${os.type()}, ${os.availableParallelism()} cores, which server, good clients and
hostile clients share.

${good} good clients (socket.io-client 4.8.4; one in ten on polling) each ask for an \`echo\` every ${every} ms and
talk in rooms of ten. ${hostile} hostile clients, from five other addresses, send too much in one way at a
time, for ${each / 1000} s, with one core at most, and giving way to the others (nice 10). What each of them sends at most is in the second column: more would not be the
server's work but that of the machine it shares with them. Limits are those that the program has by default.

| Way | Each of ${hostile}, at most | Sent | Limits that were met | Acks of the good | Lost, late or cut off | p50 ms | p99 ms | max ms | p99 ÷ quiet |
|---|---|---|---|---|---|---|---|---|---|
${lines.join("\n")}

Without hostile clients, before each way: p99 ${quiet.map((row) => ms(row.good.p99)).join(", ")} ms; the median, ${ms(base)} ms, is what the last column
compares with. More than ${most} fails.

${Object.entries(kinds)
  .map(([way, text]) => `- **${way}**: ${text}.`)
  .join("\n")}
`;
  return { text, slow };
}
