// The chat of the program's own page, spoken to as its page does.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";

const cases = [];
const add = (name, run, limits = {}) =>
  cases.push({ feature: "chat", name, run, server: "program", node: false, ...limits });
export default cases;

const newSecret = () => randomBytes(24).toString("base64url");

// person connects a tab. inboxes hold the first argument of each event.
async function person(t, nick, secret = newSecret()) {
  const socket = t.open(...t.identified({ secret, nick }, "/chat"));
  const events = ["welcome", "you", "message", "private", "typing", "joined", "left", "renamed"];
  const inboxes = Object.fromEntries(events.map((e) => [e, t.inbox(socket, e)]));
  await t.connected(socket);
  const [welcome] = await inboxes.welcome.take();
  // Whether one's own entry is announced to oneself does not matter.
  const newcomer = async () => {
    for (;;) {
      const [notice] = await inboxes.joined.take();
      if (notice.user.id !== welcome.user.id) return notice;
    }
  };
  return {
    ...inboxes,
    newcomer,
    socket,
    secret,
    user: welcome.user,
    limits: welcome.limits,
    do: (event, request) => t.call(socket, event, request),
  };
}

add("greets with a user and the limits; the secret decides who it is", async (t) => {
  const nick = t.name("ann");
  const first = await person(t, nick);
  assert.equal(first.user.nick, nick);
  assert.ok(first.limits.text > 0 && first.limits.history === 50);
  const second = await person(t, nick, first.secret);
  assert.equal(second.user.id, first.user.id);
  const other = await person(t, nick);
  assert.notEqual(other.user.id, first.user.id);
  assert.notEqual(other.user.nick, nick);
});

add("refuses a bad secret", async (t) => {
  const socket = t.open(...t.identified({ secret: "short", nick: "x" }, "/chat"));
  const [err] = await t.inbox(socket, t.client.legacy ? "error" : "connect_error").take();
  assert.equal((t.client.legacy ? err : err.data).code, "bad_secret");
});

add("a room: join, messages in order with ids, leave", async (t) => {
  const room = t.name("room");
  const [ann, bob] = await Promise.all([person(t, t.name("ann")), person(t, t.name("bob"))]);
  const entered = await ann.do("join", { room });
  assert.deepEqual(entered.messages, []);
  assert.deepEqual(entered.users.map((u) => u.id), [ann.user.id]);
  assert.equal((await bob.do("join", { room })).users.length, 2);
  assert.deepEqual(await ann.newcomer(), { room, user: bob.user });
  const ids = [];
  for (let i = 0; i < 20; i++) ids.push((await ann.do("message", { room, text: `t${i}` })).id);
  assert.deepEqual(ids, [...ids].sort());
  for (const who of [ann, bob]) {
    const got = (await who.message.takeMany(20)).map(([m]) => m);
    assert.deepEqual(got.map((m) => m.id), ids);
    assert.deepEqual(got.map((m) => m.text), ids.map((_, i) => `t${i}`));
    assert.deepEqual(got[0].user, ann.user);
  }
  await bob.do("leave", { room });
  assert.deepEqual((await ann.left.take())[0], { room, user: bob.user });
});

add("who joins gets the last 50 messages, who comes back only later ones", async (t) => {
  const room = t.name("room");
  const ann = await person(t, t.name("ann"));
  await ann.do("join", { room });
  const ids = [];
  for (let i = 0; i < 60; i++) ids.push((await ann.do("message", { room, text: `t${i}` })).id);
  const bob = await person(t, t.name("bob"));
  const all = await bob.do("join", { room });
  assert.deepEqual(all.messages.map((m) => m.id), ids.slice(10));
  bob.socket.disconnect();
  const again = await person(t, bob.user.nick, bob.secret);
  const later = await again.do("join", { room, after: ids[55] });
  assert.deepEqual(later.messages.map((m) => m.id), ids.slice(56));
  assert.equal(later.gap, false);
});

add("a message with the same key is passed on once", async (t) => {
  const room = t.name("room");
  const ann = await person(t, t.name("ann"));
  await ann.do("join", { room });
  const first = await ann.do("message", { room, text: "once", key: "k1" });
  const second = await ann.do("message", { room, text: "once", key: "k1" });
  assert.equal(first.id, second.id);
  await ann.do("message", { room, text: "fence" });
  assert.deepEqual((await ann.message.takeMany(2)).map(([m]) => m.text), ["once", "fence"]);
});

add("a private message reaches all tabs of one person and nobody else", async (t) => {
  const [ann, bob, eve] = await Promise.all(["ann", "bob", "eve"].map((n) => person(t, t.name(n))));
  const bob2 = await person(t, bob.user.nick, bob.secret);
  const { id } = await ann.do("private", { to: bob.user.id, text: "psst" });
  for (const who of [bob, bob2, ann]) {
    const [m] = await who.private.take();
    assert.equal(m.id, id);
    assert.equal(m.text, "psst");
  }
  await eve.do("nick", { nick: t.name("eve") });
  assert.equal(eve.private.items.length, 0);
});

add("typing is seen by the others", async (t) => {
  const room = t.name("room");
  const [ann, bob] = await Promise.all([person(t, t.name("ann")), person(t, t.name("bob"))]);
  await ann.do("join", { room });
  await bob.do("join", { room });
  await t.poll("typing", async () => {
    await ann.do("typing", { room, on: true });
    return bob.typing.items.length;
  }, (n) => n > 0);
  assert.deepEqual(bob.typing.items[0][0], { room, user: ann.user, on: true });
  assert.equal(ann.typing.items.length, 0);
});

add("presence is by user, not by tab", async (t) => {
  const room = t.name("room");
  const ann = await person(t, t.name("ann"));
  await ann.do("join", { room });
  const bob = await person(t, t.name("bob"));
  const bob2 = await person(t, bob.user.nick, bob.secret);
  await bob.do("join", { room });
  assert.equal((await bob2.do("join", { room })).users.length, 2);
  bob.socket.disconnect();
  assert.deepEqual(await ann.newcomer(), { room, user: bob.user });
  await ann.do("message", { room, text: "still here?" });
  assert.equal(ann.joined.items.length, 0);
  assert.equal(ann.left.items.length, 0);
  bob2.socket.disconnect();
  assert.deepEqual((await ann.left.take())[0], { room, user: bob.user });
});

add("a new nickname is told to the room and to the other tabs", async (t) => {
  const room = t.name("room");
  const [ann, bob] = await Promise.all([person(t, t.name("ann")), person(t, t.name("bob"))]);
  const bob2 = await person(t, bob.user.nick, bob.secret);
  await ann.do("join", { room });
  await bob.do("join", { room });
  await ann.newcomer(); // who is renamed before is told of with the new name alone
  const nick = t.name("robert");
  assert.equal((await bob.do("nick", { nick })).user.nick, nick);
  const [renamed] = await ann.renamed.take();
  assert.equal(renamed.user.nick, nick);
  assert.equal(renamed.was, bob.user.nick);
  assert.equal((await bob2.you.take())[0].user.nick, nick);
});

add("errors come in the ack and name themselves", async (t) => {
  const ann = await person(t, t.name("ann"));
  const room = t.name("room");
  const code = async (event, ...args) => (await t.call(ann.socket, event, ...args))?.error?.code;
  assert.equal(await code("message", { room, text: "hi" }), "not_in_room");
  assert.equal(await code("join", { room: "" }), "bad_room");
  await ann.do("join", { room });
  assert.equal(await code("message", { room, text: "  " }), "empty");
  assert.equal(await code("message", { room, text: "x".repeat(ann.limits.text + 1) }), "too_long");
  assert.equal(await code("message", "not an object"), "bad_request");
  assert.equal(await code("private", { to: "nobody", text: "x" }), "not_here");
  assert.equal(await code("no such event"), "unknown_event");
  assert.equal(ann.socket.connected, true);
});
