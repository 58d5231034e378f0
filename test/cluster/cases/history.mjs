// What is said in a room whose history is kept, whoever says it.
import assert from "node:assert/strict";

const cases = [];
const add = (name, run, more = {}) => cases.push({ name: `history: ${name}`, run, ...more });
export default cases;

/** A client that enters a room with what it knows, and adds what it is told and hears to `heard`. */
async function enter(t, node, room, since, heard) {
  const person = await t.join(node);
  let waiting = [];
  person.socket.on("said", (by, n, offset) => {
    const message = { data: [by, n], offset };
    waiting ? waiting.push(message) : heard.push(message);
  });
  const answer = await person.socket.timeout(10_000).emitWithAck("enter", room, since);
  heard.push(...answer.messages, ...waiting);
  waiting = undefined;
  return { person, answer };
}

add("who was away for long and comes to another node misses nothing of anybody's", async (t) => {
  const room = t.room("kept");
  const each = 30;
  await t.everywhere(); // the namespace is open on all nodes
  const heard = [];
  const first = await enter(t, "s1", room, "", heard);
  assert.deepEqual([first.answer.messages, first.answer.complete], [[], true]);

  const said = Promise.all(t.publishers.map(async (p) => {
    for (let n = 0; n < each; n++) await t.do(p, { op: "emit", to: [room], event: "said", args: [p.name, n] });
  }));
  for (const node of ["s2", "s1", "s2"]) {
    await t.until("something is heard", () => heard.length > 0);
    for (const old of t.people()) if (old.socket.listeners("said").length > 0) old.socket.disconnect();
    await new Promise((resolve) => setTimeout(resolve, 30));
    const { answer } = await enter(t, node, room, heard.at(-1).offset, heard);
    assert.equal(answer.complete, true);
  }
  await said;
  await t.until("everything is heard", () => heard.length >= each * t.publishers.length);
  for (const p of t.publishers) {
    assert.deepEqual(heard.filter(({ data }) => data[0] === p.name).map(({ data }) => data[1]), Array.from({ length: each }, (_, n) => n), p.name);
  }
  for (const node of ["s1", "s2"]) {
    const again = [];
    await enter(t, node, room, first.answer.offset, again);
    assert.deepEqual(again.map(({ offset }) => offset), heard.map(({ offset }) => offset), `told by ${node}`);
  }
}, { sets: ["history"], reference: false });
