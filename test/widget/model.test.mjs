import assert from "node:assert/strict";
import { test } from "node:test";
import { Model } from "../../public/comments/model.js";

const ann = { id: "u_ann", name: "Ann" };
const comment = (id, more = {}) => ({ id, page: "/p", depth: more.parent ? 1 : 0, author: ann, html: `<p>${id}</p>`, state: "published", created: 1, up: 0, down: 0, reactions: {}, seq: 1, ...more });
const ids = (items) => items.map(({ c }) => c.id).join(" ");
const shown = (model, items = model.roots) => items.filter((item) => model.visible(item)).map((item) => {
  const below = shown(model, model.below(item.c.id));
  return item.c.id + (below ? `(${below})` : "");
}).join(" ");

function loaded(sort = "newest", next = "") {
  const model = new Model(sort);
  const first = [comment("c5"), comment("c6", { parent: "c5" }), comment("c3"), comment("c4", { parent: "c3" })];
  model.snapshot({ cursor: "10.4", comments: sort === "newest" ? first : [first[2], first[3], first[0], first[1]], next });
  return model;
}

test("a snapshot is shown as it is ordered, with replies below, oldest first", () => {
  const model = loaded();
  model.snapshot({ cursor: "11.4", comments: [comment("c1"), comment("c9", { parent: "c1" }), comment("c2", { parent: "c1" })] }, { more: true });
  assert.equal(shown(model), "c5(c6) c3(c4) c1(c2 c9)");
  assert.deepEqual(model.cursor, [10, 4], "the cursor is that of the first part: more may be older than what is told");
});

test("what comes live waits below what is shown, and is shown when it is asked for", () => {
  const model = loaded();
  for (const c of [comment("c7", { seq: 11 }), comment("c8", { seq: 12, parent: "c7" }), comment("c9", { seq: 13, parent: "c4" }), comment("ca", { seq: 14, parent: "c9" }), comment("cb", { seq: 15, parent: "c0" })]) model.take(c, true);
  assert.equal(shown(model), "c5(c6) c3(c4)");
  assert.deepEqual([...model.groups()].map(([key, items]) => [key, ids(items)]), [["", "c7 c8"], ["c4", "c9 ca"]], "a reply to what is not loaded waits for that");
  for (const item of model.groups().get("")) model.show(item);
  assert.equal(shown(model), "c7(c8) c5(c6) c3(c4)");
  for (const item of model.groups().get("c4")) model.show(item);
  assert.equal(shown(model), "c7(c8) c5(c6) c3(c4(c9(ca)))");
  assert.equal(model.groups().size, 0);
});

test("what is told twice, or late, does no harm", () => {
  const model = loaded();
  assert.ok(model.take(comment("c5", { seq: 12, html: "new" }), true));
  assert.equal(model.take(comment("c5", { seq: 11, html: "old" }), true), undefined);
  assert.equal(model.items.get("c5").c.html, "new");
  assert.ok(model.count({ id: "c5", up: 3, down: 0, reactions: {} }, 9));
  assert.equal(model.count({ id: "c5", up: 2, down: 0, reactions: {} }, 8), undefined);
  model.take(comment("c5", { seq: 13, html: "newer", up: 1 }), false, 7);
  assert.deepEqual([model.items.get("c5").c.html, model.items.get("c5").c.up], ["newer", 3], "a comment with older counts");
  assert.equal(model.groups().size, 0);
});

test("what is deleted keeps its place, and the thread below it", () => {
  const model = loaded();
  for (const item of model.items.values()) item.seen = true; // as the page does when it draws
  model.take({ id: "c3", page: "/p", depth: 0, state: "deleted", created: 1, seq: 12 }, true);
  assert.equal(shown(model), "c5(c6) c3(c4)");
  const later = loaded();
  later.take({ id: "c7", page: "/p", depth: 0, state: "deleted", created: 1, seq: 12 }, true);
  assert.equal(shown(later), "c5(c6) c3(c4)", "one that was never seen");
});

test("a snapshot after a while says what is new, and what is gone", () => {
  const model = loaded();
  for (const item of model.items.values()) item.seen = true;
  model.take(comment("c8", { seq: 30, parent: "c3" }), true);
  model.snapshot({ cursor: "20.4", comments: [comment("c7", { seq: 15 }), comment("c5", { seq: 16, html: "edited" }), comment("c3")] }, { live: true });
  assert.equal(model.items.get("c5").c.html, "edited");
  assert.deepEqual(["c6", "c4", "c8"].map((id) => model.items.get(id).c.state), ["deleted", "deleted", "published"], "what came after the snapshot is not gone");
  assert.deepEqual([...model.groups().keys()].sort(), ["", "c3"]);
});

test("of a page that is loaded in part, a change of what is not there is not new", () => {
  const newest = loaded("newest", "more");
  newest.take(comment("c1", { seq: 11, edited: 5 }), true);
  assert.equal(newest.groups().size, 0);
  const oldest = loaded("oldest", "more");
  oldest.take(comment("c7", { seq: 11, edited: 5 }), true);
  assert.equal(oldest.groups().size, 0);
  oldest.take(comment("c8", { seq: 12 }), true);
  assert.equal(oldest.groups().get("").length, 1);
  newest.snapshot({ cursor: "10.4", comments: [comment("c1", { seq: 1 })] }, { more: true });
  assert.equal(newest.items.get("c1").c.edited, 5, "a later part may be older than what was told");
});

test("a flood is counted and not kept", () => {
  const model = loaded();
  for (let i = 0; i < 5000; i += 1) model.take(comment(`d${i}`, { seq: 20 + i }), true);
  assert.equal(model.groups().get("").length + model.extra, 5000);
  assert.ok(model.items.size < 1100, `${model.items.size} kept`);
});
