// What a page shows comes a frame, or a message, later than what made it come.

import assert from "node:assert/strict";
import { setTimeout as pause } from "node:timers/promises";

const patience = 20_000; // ms

/** Waits until look() gives what is wanted, or matches it, and says what it was that did not. */
export async function until(what, look, wanted) {
  const limit = Date.now() + patience;
  for (;;) {
    const got = await look();
    try {
      if (wanted instanceof RegExp) assert.match(got, wanted, `${what}: ${JSON.stringify(got)}`);
      else assert.deepEqual(got, wanted, `${what}: ${JSON.stringify(got)}, and not ${JSON.stringify(wanted)}`);
      return;
    } catch (err) {
      if (Date.now() > limit) throw err;
    }
    await pause(20);
  }
}
