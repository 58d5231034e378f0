// The keyboard of the queue. Single keys can be switched off, for those who speak to their
// computer or hit keys by chance.

import { byId } from "../dom.js";
import { browser } from "../visitor.js";

const OFF = "sockeye.moderate.keys-off";

export class Keys {
  /** acts maps what a key is called to what it does. */
  constructor(acts) {
    byId("keys-on").checked = !browser.get(OFF);
    byId("keys-on").addEventListener("change", (event) => browser.set(OFF, event.target.checked ? "" : "yes"));
    byId("show-keys").addEventListener("click", () => byId("keys").showModal());
    document.addEventListener("keydown", (event) => {
      if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
      if (byId("desk").hidden || event.target.matches("input:not([type=checkbox]), textarea, select")) return;
      if (!byId("keys-on").checked && event.key !== "Escape") return;
      const key = event.key === "X" || event.shiftKey && event.key === "x" ? "Shift+x" : event.key;
      if (!acts[key]) return;
      event.preventDefault();
      acts[key]();
    });
  }
}
