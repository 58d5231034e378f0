// What a page shows comes a frame, or a message, later than what made it come.

import { inspect, isDeepStrictEqual } from "node:util";
import { until as comesTrue } from "../house/programs.mjs";

const patience = 20_000; // ms

/** Waits until look() gives what is wanted, or matches it, and says what it was that did not. */
export async function until(what, look, wanted) {
  const fits = (got) => (wanted instanceof RegExp ? wanted.test(got) : isDeepStrictEqual(got, wanted));
  let got;
  await comesTrue(() => `${what}: ${inspect(got)}, and not ${inspect(wanted)}`, async () => fits((got = await look())), patience);
}
