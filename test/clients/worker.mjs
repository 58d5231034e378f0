// Runs all cases of one client on every transport and sends each result to the
// parent: {case, mode, outcome: "passed" | "failed", ms, error}.
import { cases } from "./cases/index.mjs";
import { loadClient, modes, Visit } from "./visit.mjs";

const { label, urls, reference, program, only, at, deadline, concurrency } = JSON.parse(process.argv[2]);
// A case that missed its deadline leaves promises behind; it has been reported.
process.on("unhandledRejection", () => {});
// The channel closes after the last result, or with the parent.
process.on("disconnect", () => process.exit(0));

const client = await loadClient(label);
const plan = [];
for (const [index, one] of cases.entries()) {
  if (only && !new RegExp(only, "i").test(`${one.feature}: ${one.name}`)) continue;
  if (one.since && !client.from(one.since)) continue;
  if (one.until && client.from(one.until)) continue;
  if (one.parser === false && client.parser) continue;
  if (one.parser === "msgpack" && !client.parser) continue;
  if (one.node === false && reference) continue;
  for (const mode of Object.keys(modes)) {
    if (one.modes && !one.modes.includes(mode)) continue;
    if (at && mode !== at) continue;
    plan.push({ index, one, mode });
  }
}
process.send({ planned: plan.map(({ index, mode }) => ({ case: index, mode })) });

async function run({ index, one, mode }) {
  const began = performance.now();
  const url = urls[client.parser ? "msgpack" : "json"][one.server ?? "fixture"];
  const visit = new Visit({ client, mode, url, deadline, reference, program: program[client.parser ? "msgpack" : "json"] });
  let error;
  try {
    await visit.wait("the case", one.run(visit));
  } catch (err) {
    error = String(err?.message ?? err);
  }
  try {
    visit.end();
  } catch (err) {
    error ??= `closing: ${err.stack}`;
  }
  process.send({
    case: index,
    mode,
    outcome: error === undefined ? "passed" : "failed",
    ms: Math.round(performance.now() - began),
    error,
  });
}

await Promise.all(
  Array.from({ length: concurrency }, async () => {
    for (let next = plan.shift(); next; next = plan.shift()) await run(next);
  }),
);
process.disconnect();
