// Puts comments on the page, in order, and leaves the nodes that are there where they are.

import { View } from "./thread.js";

const AT_ONCE = 40; // comments that are built in one frame

/** Draws what a model shows into a list, and returns whether something is left for the next frame. */
export function draw(area, model, list) {
  let budget = AT_ONCE;
  let left = false;
  const walk = (parent, items) => {
    let at = parent.firstChild;
    for (const item of items) {
      if (!model.visible(item)) continue;
      if (!item.view) {
        if (budget <= 0) {
          left = true;
          continue;
        }
        budget -= 1;
        item.view = new View(area, item);
        item.seen = true;
        item.dirty = true;
      }
      const { view } = item;
      if (item.dirty) view.dress();
      item.dirty = false;
      if (view.node === at) at = at.nextSibling;
      else parent.insertBefore(view.node, at);
      walk(view.replies, model.below(item.c.id));
    }
    while (at) {
      const gone = at;
      at = at.nextSibling;
      gone.remove();
    }
  };
  walk(list, model.roots);
  return left;
}
