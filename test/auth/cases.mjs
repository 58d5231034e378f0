import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Redis } from "../house/redis.mjs";
import { root, sockeye, sockeyePath, until } from "../house/programs.mjs";
import { Visitor, secret, token, versions } from "./visitor.mjs";

const options = ["--auth-secret", secret, "--auth-leeway", "0s", "--auth-query", "token", "--allow-eio3", "--event-rate", "off"];

/** Gives a case a server, and ends it. */
const withServer = (args, run) => async (version) => {
  const server = await sockeye([...options, ...args]);
  try {
    await run(version, server);
  } finally {
    await server.stop();
  }
};

/** The sum of a counter over its labels. */
async function count(server, name) {
  const text = await (await fetch(`${server.url}/metrics`)).text();
  return [...text.matchAll(new RegExp(`^${name}(?:{[^}]*})? (\\S+)$`, "gm"))].reduce((sum, [, n]) => sum + Number(n), 0);
}

/** Waits as long as another client with the same delays needs to come back five times. */
async function asLongAsFiveReturns(version, server) {
  const other = new Visitor(version, server.url, () => token("somebody"));
  await other.connected();
  for (let i = 1; i <= 5; i++) {
    other.cut();
    await until(`return ${i}`, () => other.story.filter((line) => line === "connect").length > i);
  }
  other.end();
}

/** A token counts wherever it is shown, and what does not hold is refused with code and message. */
const shows = withServer(["--auth-cookie", "jwt"], async (version, server) => {
  const old = version.startsWith("2");
  const bare = old ? { query: {} } : { auth: {} };
  const headers = (extraHeaders) => ({ ...bare, extraHeaders });
  for (const [what, held, options, code] of [
    ["auth.token", token("ann"), {}, ""],
    ["auth.token, signed by another", `${token("ann").slice(0, -3)}AAA`, {}, "invalid_token"],
    ["auth.token, expired", token("ann", -1_000), {}, "token_expired"],
    ["auth.token, no token", "hello", {}, "invalid_token"],
    ["nothing", "", bare, "unauthorized"],
    ["Authorization", "", headers({ Authorization: `Bearer ${token("ann")}` }), ""],
    ["Authorization, expired", "", headers({ Authorization: `Bearer ${token("ann", -1_000)}` }), "token_expired"],
    ["a cookie", "", headers({ Cookie: `theme=dark; jwt=${token("ann")}` }), ""],
    ["a cookie, expired", "", headers({ Cookie: `jwt=${token("ann", -1_000)}` }), "token_expired"],
  ]) {
    for (const transports of [["websocket"], ["polling"]]) {
      const page = new Visitor(version, server.url, () => held, { ...options, transports });
      let why;
      page.socket.on(old ? "error" : "connect_error", (error) => (why = error));
      await until(`${what}: an answer`, () => page.story.length > 0);
      assert.deepEqual(page.story, [code ? `refused ${code}` : "connect"], `${what} over ${transports}`);
      if (code) {
        const { data, message } = old ? { data: why, message: why.message } : why;
        assert.deepEqual(data, { code, message }, what);
        assert.ok(message.length > 10, message);
      }
      page.end();
    }
  }
});

/** A page that is told in time and shows a new token goes on, and misses nothing. */
const refreshes = withServer(["--auth-expiring", "1s", "--event-rate", "off"], async (version, server) => {
  const speaker = new Visitor(version, server.url, () => token("speaker"));
  const page = new Visitor(version, server.url, () => token("ann", 2_000));
  await Promise.all([speaker.connected(), page.connected()]);
  const begun = Date.now();
  const heard = [];
  page.socket.on("msg", (n) => heard.push(n));
  const told = [];
  const answers = [];
  page.socket.on("auth:expiring", async (news) => {
    told.push(news);
    answers.push(await page.call("auth:refresh", token("ann", 2_000)));
  });
  page.socket.on("sockeye:end", (why) => page.story.push(`end ${why.code}`));
  assert.equal(await page.call("join", "news"), "ok");
  let said = 0;
  while (Date.now() < begun + 5_000 || heard.length < said) {
    if (Date.now() < begun + 5_000) assert.equal(await speaker.call("say", "news", said++), "ok");
    else await until("all is heard", () => heard.length === said);
  }
  assert.deepEqual(page.story, ["connect"]);
  assert.deepEqual(heard, [...Array(said).keys()]);
  assert.ok(answers.length >= 3, `${answers.length} refreshes`);
  for (const answer of answers) assert.ok(answer.ok === true && answer.expires > begun + 2_000, JSON.stringify(answer));
  for (const { expires, in: left } of told) assert.ok(expires > begun && left > 0 && left <= 1_000, `expires ${expires}, in ${left}`);
  const other = await page.call("auth:refresh", token("bea"));
  assert.equal(other.error.code, "other_user");
  assert.equal((await page.call("auth:refresh", "nonsense")).error.code, "invalid_token");
  speaker.end();
  page.end();
});

/** A page that does not refresh hears why it is sent away, and makes no further attempt. */
const expires = withServer([], async (version, server) => {
  let held = token("ann", 1_000);
  const page = new Visitor(version, server.url, () => held);
  const ends = [];
  page.socket.on("sockeye:end", (why) => ends.push(why));
  await page.connected();
  await until("the end", () => page.tells("disconnect io server disconnect"));
  assert.equal(ends.length, 1);
  assert.equal(ends[0].code, "token_expired");
  assert.ok(ends[0].message);
  const sessions = await count(server, "sockeye_sessions_opened_total");
  await asLongAsFiveReturns(version, server);
  assert.equal(page.attempts, 0, "attempts to come back");
  assert.equal(await count(server, "sockeye_sessions_opened_total"), sessions + 6, "sessions: those of the other client, and no other");
  assert.deepEqual(page.story, ["connect", "disconnect io server disconnect"]);
  if (version.startsWith("2")) return; // its token stands in the address of the manager
  page.socket.connect(); // with what does not hold: refused once, and no loop
  await until("refused", () => page.tells("refused token_expired"));
  await asLongAsFiveReturns(version, server);
  assert.equal(page.story.filter((line) => line.startsWith("refused")).length, 1);
  held = token("ann");
  page.socket.connect();
  await page.connected();
  await until("connected again", () => page.story.filter((line) => line === "connect").length === 2);
  page.end();
});

/** What a page may not do is answered with what is missing. */
const forbids = withServer([], async (version, server) => {
  const claims = { join: ["news:*", "user:{id}"], publish: ["news:talk"] };
  const page = new Visitor(version, server.url, () => token("ann", 60_000, claims));
  await page.connected();
  for (const [event, room, message] of [
    ["join", "news:sport"],
    ["join", "user:ann"],
    ["say", "news:talk"],
    ["join", "user:bea", 'you have no right to join the room "user:bea"'],
    ["say", "news:sport", 'you have no right to publish to the room "news:sport"'],
  ]) {
    const answer = await page.call(event, room);
    if (message) assert.deepEqual(answer, { error: { code: "forbidden", message } });
    else assert.equal(answer, "ok", `${event} ${room}: ${JSON.stringify(answer)}`);
  }
  assert.equal((await page.call("auth:other", 1)).error.code, "unknown_event");
  page.end();
});

/** Who is blocked on one node leaves the others within a second, and does not come back. */
async function blocks(version) {
  const redis = await Redis.start();
  const common = [...options, "--redis-url", redis.url, "--recovery", "1m"];
  const nodes = await Promise.all([sockeye(common), sockeye(common)]);
  try {
    const page = new Visitor(version, nodes[0].url, () => token("ann"));
    // A page that is away when the block comes, and returns by itself with its session.
    const away = new Visitor(version, nodes[1].url, () => token("ann"), { reconnectionDelay: 3_000, reconnectionDelayMax: 3_000 });
    const ends = [];
    page.socket.on("sockeye:end", (why) => ends.push({ ...why, at: Date.now() }));
    await Promise.all([page.connected(), away.connected()]);
    const attempts = away.attempts;
    away.cut();
    await until(() => `away: ${away.story.join(", ")}\n${nodes[1].output}`, () => away.story.at(-1).startsWith("disconnect"));
    execFileSync(sockeyePath(), ["block", "ann", "--reason", "spam", "--redis-url", redis.url]);
    const blocked = Date.now(); // when the command had ended; the end may have come before
    await until("the end", () => page.tells("disconnect io server disconnect"));
    assert.equal(ends.length, 1);
    assert.equal(ends[0].code, "blocked");
    assert.equal(ends[0].message, "you are blocked: spam");
    assert.ok(ends[0].at < blocked + 1_000, `ended ${ends[0].at - blocked} ms after the block`);
    await until("refused", () => away.tells("refused blocked"));
    await asLongAsFiveReturns(version, nodes[1]);
    assert.equal(page.attempts, 0);
    assert.equal(away.story.filter((line) => line === "connect").length, 1, away.story.join(", "));
    assert.equal(away.attempts, attempts + 1);
    execFileSync(sockeyePath(), ["unblock", "ann", "--redis-url", redis.url]);
    await until("let in again", () => {
      if (!page.socket.connected && !page.retrying) {
        page.retrying = true;
        page.socket.once("connect_error", () => (page.retrying = false));
        page.socket.once("error", () => (page.retrying = false));
        page.socket.connect();
      }
      return page.socket.connected;
    });
    page.end();
    away.end();
  } finally {
    await Promise.all(nodes.map((node) => node.stop()));
    await redis.stop();
  }
}

/** The page of docs/permissions.md, as it stands there. */
async function documented() {
  const page = readFileSync(join(root, "docs", "permissions.md"), "utf8");
  const [, code] = /```js\n(let token[^]*?)```/.exec(page);
  const begin = new Function("io", "fetchToken", "console", `return (async () => { ${code}; return { socket, held: () => token }; })()`);
  const server = await sockeye([...options, "--auth-expiring", "1s"]);
  try {
    const warnings = [];
    let lives = 2_000;
    const fetchToken = async () => token("ann", lives);
    const io = (opts) => new Visitor("4.8.4", server.url, undefined, { ...opts, transports: ["polling", "websocket"] }).socket;
    const { socket, held } = await begin(io, fetchToken, { warn: (...words) => warnings.push(words.join(" ")) });
    const story = [];
    for (const event of ["connect", "disconnect", "auth:expiring", "sockeye:end"]) socket.on(event, () => story.push(event));
    await until("two refreshes", () => story.filter((line) => line === "auth:expiring").length >= 2);
    await until("the second counts", () => socket.connected && held());
    assert.deepEqual([...new Set(story)].sort(), ["auth:expiring", "connect"], story.join(", "));
    socket.off("auth:expiring"); // the page is asleep, and comes back
    await until("the end", () => story.includes("sockeye:end"));
    lives = 60_000;
    await until("it is back", () => story.filter((line) => line === "connect").length === 2);
    assert.deepEqual(warnings, []);
    socket.disconnect();
  } finally {
    await server.stop();
  }
}

export const cases = [["4.8.4: the page of docs/permissions.md", documented]].concat(versions.flatMap((version) => [
  [`${version}: a token counts wherever it is shown, and is refused with code and message`, () => shows(version)],
  [`${version}: a page that refreshes its token goes on without a gap`, () => refreshes(version)],
  [`${version}: a token that expires ends the page, which does not come back by itself`, () => expires(version)],
  [`${version}: what a token does not allow is answered with what is missing`, () => forbids(version)],
  [`${version}: a block ends the page on another node, and its session`, () => blocks(version)],
]));
