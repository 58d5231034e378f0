// Runs the cases of one combination and sends the parent {name, ms, error} of each.
import { cases } from "./cases/index.mjs";
import { Cluster } from "./cluster.mjs";
import { Stage, within } from "./stage.mjs";

const { combination, only, reference } = JSON.parse(process.argv[2]);
process.on("disconnect", () => process.exit(0)); // the last result is sent, or the parent is gone

const plan = cases.filter(
  (one) =>
    (one.sets ?? ["all"]).some((set) => combination.sets.includes(set)) &&
    (!one.adapter || one.adapter === combination.adapter) &&
    !(reference && one.reference === false) &&
    (!only || new RegExp(only, "i").test(one.name)),
);
process.send({ planned: plan.map((one) => one.name) });

const shared = plan.some((one) => !one.alone) ? await Cluster.start({ ...combination, reference }) : undefined;

if (shared) await new Stage(shared, combination).warm();

async function run(one) {
  const began = performance.now();
  let error;
  const stage = new Stage(shared, { ...combination, reference });
  try {
    await within(`the case`, one.run(stage), one.deadline ?? 40_000);
  } catch (err) {
    error = err.stack ?? String(err);
  } finally {
    stage.end();
  }
  process.send({ name: one.name, ms: Math.round(performance.now() - began), error });
}

const waiting = [...plan];
await Promise.all(
  Array.from({ length: 8 }, async () => {
    for (let one = waiting.shift(); one; one = waiting.shift()) await run(one);
  }),
);
if (shared) {
  const codes = await shared.stop();
  process.send({ codes, output: shared.nodes.map((node) => node.program.output).join("\n") });
}
process.disconnect();
