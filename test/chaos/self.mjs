// The test's test: what is wrong on purpose must be found, and nothing else.
import { doubles } from "./doubles.mjs";
import { judge } from "./judge.mjs";
import { Ledger } from "./ledger.mjs";
import { plan } from "./faults.mjs";
import { Random } from "./random.mjs";
import { percentage, reconnects, report } from "./report.mjs";
import { run } from "./run.mjs";
import { Witness } from "./witness.mjs";

let passed = 0;
let failed = 0;
function check(name, got, want) {
  const [a, b] = [JSON.stringify(got), JSON.stringify(want)];
  if (a === b) return void passed++;
  failed++;
  console.log(`FAILED ${name}: got ${a}, want ${b}`);
}

/**
 * Plays a script on one client in one room and gives the kinds of wrongs. Words: say N
 * (published and in the log), lose N (published, never in the log), get N, past N (got past
 * the log), join, joined,
 * leave, left, cut, back (recovered), told.
 */
function play(script) {
  const ledger = new Ledger();
  const witness = new Witness("somebody", ledger, Ledger.key);
  witness.connected({ recovered: false });
  const words = {
    say: (n) => {
      ledger.publish("p", "r", n);
      ledger.confirm("p", "r", n, String(n));
    },
    lose: (n) => ledger.publish("p", "r", n),
    get: (n) => witness.heard("p", "r", n),
    past: (n) => witness.heard("p", "r", n, true),
    join: () => witness.joining("r"),
    joined: () => witness.joined("r"),
    leave: () => witness.leaving("r"),
    left: () => witness.left("r"),
    cut: () => witness.disconnected("transport close"),
    back: () => witness.connected({ recovered: true }),
    told: () => witness.connected({ recovered: false }),
  };
  for (const step of script.split(", ")) {
    const [word, n] = step.split(" ");
    words[word](Number(n));
  }
  return judge(witness, ledger)
    .map((wrong) => wrong.kind)
    .join(" ");
}

const scripts = [
  ["all that is said comes", "join, joined, say 1, get 1, say 2, get 2", ""],
  ["a number that never comes is lost", "join, joined, say 1, get 1, say 2", "lost"],
  ["a number before the first that came is lost, if the join was acknowledged before it", "join, joined, say 1, say 2, get 2", "lost"],
  ["what was said before the join was acknowledged may come", "say 1, join, say 2, joined, say 3, get 2, get 3", ""],
  ["and may be missing", "say 1, join, say 2, joined, say 3, get 3", ""],
  ["but after it came there is no gap", "join, say 1, say 2, get 1, joined, say 3, get 3", "lost"],
  ["a number that comes twice is duplicated", "join, joined, say 1, get 1, get 1", "duplicated"],
  ["also after coming back", "join, joined, say 1, get 1, cut, back, get 1", "duplicated"],
  ["also after being told", "join, joined, say 1, get 1, cut, told, join, joined, get 1", "duplicated"],
  ["the order is that of the sender", "join, joined, say 1, say 2, get 2, get 1", "disordered"],
  ["also of numbers outside the log", "join, joined, lose 1, lose 2, get 2, get 1", "disordered"],
  ["numbers outside the log may be missing", "join, joined, lose 1, say 2, get 2", ""],
  ["and may come, once", "join, joined, lose 1, get 1, get 1", "duplicated"],
  ["what was missed comes after coming back", "join, joined, say 1, get 1, cut, say 2, back, get 2, say 3, get 3", ""],
  ["a gap before coming back is lost", "join, joined, say 1, get 1, cut, say 2, back, say 3, get 3", "lost"],
  ["a gap that was told of is not", "join, joined, say 1, get 1, cut, say 2, told, join, joined, say 3, get 3", ""],
  ["a gap that the client learns of only after more came is lost", "join, joined, say 1, say 2, say 3, get 1, get 3, cut, told, join, joined", "lost"],
  ["what came past the log owes nothing before it, if the client is told", "join, joined, say 1, get 1, say 2, say 3, past 3, cut, told, join, joined", ""],
  ["but all if it is not", "join, joined, say 1, get 1, say 2, say 3, past 3", "lost"],
  ["nor what came by the log", "join, joined, say 1, say 2, get 2, lose 3, past 3, cut, told, join, joined", "lost"],
  ["what came past the log counts in the order", "join, joined, say 1, say 2, past 2, get 1", "disordered"],
  ["and once", "join, joined, say 1, past 1, get 1", "duplicated"],
  ["after it was told a client owes itself the join", "join, joined, say 1, get 1, cut, told, say 2, get 2, join, joined", "stray"],
  ["after a join was acknowledged once more everything counts", "join, joined, cut, told, join, joined, say 1", "lost"],
  ["what is sent after a leave does not come", "join, joined, leave, left, say 1, get 1", "stray"],
  ["what is sent while a leave is under way may come or not", "join, joined, leave, say 1, say 2, get 1, left", ""],
  ["a gap before a leave is lost", "join, joined, say 1, say 2, get 2, leave, left", "lost"],
  ["what nobody published is strange", "join, joined, get 9", "stray"],
];
for (const [name, script, want] of scripts) check(`${name}: ${script}`, play(script), want);

const drawn = (seed) => plan(new Random(seed, "faults"), { from: 0, to: 20_000, nodes: 3, chosen: ["nodes", "proxies", "redis"] });
check("a seed draws the same faults again", drawn(7), drawn(7));
check("another seed draws others", JSON.stringify(drawn(7)) === JSON.stringify(drawn(8)), false);
for (const kind of ["restartRedis", "emptyRedis"]) {
  check(`every plan with Redis has one ${kind}`, [1, 2, 3, 4, 5].map((seed) => drawn(seed).filter((f) => f.kind === kind).length), [1, 1, 1, 1, 1]);
}

// One node, only connections cut, and among the clients those that do wrong.
const places = doubles.map((_, i) => 3 * i + (i % 3));
const result = await run({
  seed: 3,
  faults: "proxies",
  alone: true,
  clients: 24,
  seconds: 8,
  rate: 40,
  settle: 2,
  doubles: Object.fromEntries(doubles.map((double, i) => [places[i], double])),
});
const kinds = (witness) => [...new Set(result.wrongs.filter((wrong) => wrong.who === witness).map((wrong) => wrong.kind))];
doubles.forEach((double, i) => {
  const witness = result.witnesses[places[i]];
  const count = result.wrongs.filter((wrong) => wrong.who === witness).length;
  check(`${double.name} is found out`, kinds(witness), double.finds);
  if (["lost", "duplicated", "disordered"].includes(double.finds[0]) && double.told === undefined) check(`${double.name} is found out once`, count, 1);
  if (double.told !== undefined) check(`${double.name} was told`, witness.connections.filter((c) => c.told).length, double.told);
});
const others = result.wrongs.filter((wrong) => !places.includes(result.witnesses.indexOf(wrong.who)));
check("nobody else is blamed", others, []);
check("connections were cut", result.faults.counts.cuts > 20, true);
check("the stranger costs its part of the percentage", percentage(reconnects(result).judged) < 100, true);
check("such a run is not well", report(result).well, false);
console.log(report(result).lines.join("\n"));
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed > 0 ? 1 : 0);
