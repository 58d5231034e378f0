// What a run has to say: its figures, and for what went wrong all that helps to
// understand it.

/** The kinds of wrongs that the figures name; what is of another kind is named besides. */
const named = ["lost", "duplicated", "disordered"];

/**
 * Reconnects inside the window of recovery that cannot count, by why. Every other one is
 * judged.
 */
const excluded = {
  "log lost": "Redis came back empty: there is nothing to recover from",
  "not in the log": "the client was given what is not in the log, or a session that could not be saved, and knows it",
  "Redis away": "Redis was not there, or had just been started, when the client came back",
  "link faulty": "the node that the client came back to was cut off from Redis, or had just been",
};

/** Reconnects, by what stood in their way. */
export function reconnects({ witnesses, faults, options }) {
  const groups = { judged: [], late: [] };
  for (const name in excluded) groups[name] = [];
  for (const witness of witnesses) {
    for (const back of witness.reconnects) {
      groups[groupOf(back, faults, options)].push({ ...back, witness });
    }
  }
  return groups;
}

function groupOf({ from, to, away }, faults, options) {
  if (away >= options.recovery * 1000) return "late";
  const failed = (kinds, since, node) => faults.overlapping(kinds, since, to.wall, node).length > 0;
  if (failed(["emptyRedis"], from.wall)) return "log lost";
  if (from.unkept) return "not in the log";
  if (failed(["restartRedis"], from.endedWall)) return "Redis away";
  if (failed(["cutLink", "swallowLink"], from.endedWall, to.node)) return "link faulty";
  return "judged";
}

export function percentage(list) {
  return list.length === 0 ? 100 : (100 * list.filter((back) => back.recovered).length) / list.length;
}

const line = (name, value) => `  ${name.padEnd(32)}${value}`;

/** The lines of the report, and whether all is well. */
export function report(result) {
  const { options, ledger, witnesses, faults, wrongs, cluster } = result;
  const count = (kind) => wrongs.filter((wrong) => wrong.kind === kind).length;
  const groups = reconnects(result);
  const all = Object.values(groups).flat();
  const least = options.faults.includes("redis") ? 99 : 100;
  const reached = percentage(groups.judged);
  const inside = all.filter((back) => !groups.late.includes(back));
  const share = (list) => `${percentage(list).toFixed(2)} % of ${list.length}`;
  const c = faults.counts;
  const lines = [
    `chaos: seed ${options.seed}, faults ${options.faults || "none"}, ${options.clients} clients, ${options.rooms} rooms, ${options.seconds} s of faults, ${result.seconds.toFixed(0)} s in all`,
    line("published", ledger.numbers.size),
    line("confirmed", `${ledger.confirmed} (in the log; ${ledger.accepted} were answered ok, ${ledger.refused} an error)`),
    line("ok without a log entry", ledger.withoutEntry().length),
    line("deliveries checked", witnesses.reduce((sum, w) => sum + w.arrivals.length, 0)),
    line("kills", `${c.kills} of nodes, ${c.balancerKills} of the balancer${c.pauses ? `, ${c.pauses} nodes stopped for a while` : ""}`),
    line("starts that failed", cluster.nodes.reduce((sum, node) => sum + node.failures.length, 0)),
    line("cuts", `${c.cuts} connections of clients; Redis connections: ${c.linkCuts} cut, ${c.linkDelays} delayed, ${c.linkStalls} stalled`),
    line("Redis restarts", `${c.redisRestarts} with its file, ${c.redisEmptied} empty`),
    line("reconnects", all.length),
    line("recovered", all.filter((back) => back.recovered).length),
    line("told recovered: false", all.filter((back) => !back.recovered).length),
    line("recovered inside the window", `${share(inside)} of all`),
    ...Object.entries(excluded)
      .filter(([name]) => groups[name].length > 0)
      .map(([name, why]) => line(`  not judged: ${name}`, `${share(groups[name])}; ${why}`)),
    line("  judged", `${share(groups.judged)} (at least ${least} %)`),
    line("lost", count("lost")),
    line("duplicated", count("duplicated")),
    line("out of order", count("disordered")),
  ];
  const others = new Map();
  for (const { kind } of wrongs) if (!named.includes(kind)) others.set(kind, (others.get(kind) ?? 0) + 1);
  for (const [kind, n] of others) lines.push(line(kind, n));
  const well = wrongs.length === 0 && result.settled && reached >= least;
  lines.push(line("settled", `${result.settled ? "yes" : "NO"}, ${(result.settling / 1000).toFixed(1)} s after the last fault`));
  lines.push(well ? "  all is well" : "  NOT WELL");
  return { lines, well, reached };
}

/** The story of what went wrong, at most `most` wrongs and as many clients that were told without need. */
export function details(result, most = 5) {
  const lines = [];
  for (const wrong of pick(result.wrongs, most)) {
    lines.push("", `${wrong.kind}: ${wrong.text}`);
    if (wrong.number) lines.push(`  published ${clock(wrong.number.wall)}, in the log ${wrong.number.seen ? clock(wrong.number.seen) : "never"}, answered ${wrong.number.answeredWall ? clock(wrong.number.answeredWall) : "never"}`);
    if (wrong.who) lines.push(...life(wrong.who, wrong.wall), ...stays(wrong.who, wrong.room));
    if (wrong.wall) lines.push(...around(result, wrong.wall));
  }
  for (const back of pick(reconnects(result).judged.filter((b) => !b.recovered), most)) {
    lines.push("", `told: ${back.witness.name} was not recovered at ${clock(back.to.wall)}, ${back.away} ms away`);
    lines.push(...life(back.witness, back.to.wall), ...around(result, back.to.wall), ...around(result, back.from.endedWall));
  }
  return lines;
}

/** Some of a list, from as many kinds and clients as there are. */
function pick(list, most) {
  const rest = [...list];
  const chosen = [];
  const used = new Set();
  for (const pass of [(w) => !used.has(w.kind), (w) => !used.has(w.who ?? w.witness), () => true]) {
    for (const one of rest) {
      if (chosen.length >= most) return chosen;
      if (chosen.includes(one) || !pass(one)) continue;
      used.add(one.kind).add(one.who ?? one.witness);
      chosen.push(one);
    }
  }
  return chosen;
}

/** All that failed in a run. */
export function story({ faults }) {
  return ["", "what failed:", ...faults.done.map(fault)];
}

const fault = (note) => `    ${clock(note.wall)}-${note.endWall ? clock(note.endWall) : ""} ${note.text}`;

const clock = (wall) => new Date(wall).toISOString().slice(11, 23);

/** The connections of a client around a time, and what it got last and next. */
function life(witness, wall = Infinity) {
  const lines = [`  ${witness.name}:`];
  witness.connections.forEach((c, on) => {
    if (c.wall > wall + 5_000 || (c.endedWall ?? Infinity) < wall - 15_000) return;
    const got = witness.arrivals.filter((a) => a.on === on);
    const ids = got.length ? `, ${got.length} numbers, ${got[0].number?.id} … ${got.at(-1).number?.id}` : ", no numbers";
    lines.push(
      `    ${on}: ${clock(c.wall)} connected${on ? (c.recovered ? ", recovered" : ", TOLD") : ""} by ${c.transport} (${c.sid}, socket ${c.id})${c.node ? ` on ${c.node}` : ""}${ids}` +
        (c.ended ? `; ${clock(c.endedWall)} disconnected: ${c.why}` : "") +
        (c.refusals ? `; ${c.refusals} refusals, the last: ${c.refusal}` : ""),
    );
  });
  return lines;
}

/** When a client was in a room. */
function stays(witness, room) {
  return witness.stays
    .filter((stay) => stay.room === room)
    .map((stay) => `    ${room}: ${stay.story.map(({ wall, what, on }) => `${clock(wall)} ${what} on connection ${on}`).join(", ")}${stay.told ? ", until it was told" : ""}`);
}

/** What failed and what the nodes logged around a time. */
function around({ faults, cluster }, wall) {
  const lines = [`  around ${clock(wall)}:`];
  for (const note of faults.done) {
    if (note.wall < wall + 1_000 && (note.endWall ?? note.wall) > wall - 4_000) lines.push(fault(note));
  }
  const logged = cluster.linesAround(wall, 1_500, 700).filter(({ text }) => !/msg=request|msg="the page|built without npm/.test(text));
  for (const { text } of logged.slice(-60)) lines.push(`    ${text}`);
  return lines;
}
