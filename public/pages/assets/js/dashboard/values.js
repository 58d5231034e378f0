// The table of all values: what everything is right now, also for those who cannot see the
// charts.

import { byId, el } from "../dom.js";
import { ago, keyOf, shown } from "./store.js";

const MOST = 200; // rows
const SILENT = 30_000; // ms

export class Values {
  #rows = new Map(); // by key: {row, value, age, button}
  #generation = -1;
  #filter = "";

  /** pins is the set of keys that are drawn on purpose; onPin hears of changes. */
  constructor(store, pins, onPin) {
    Object.assign(this, { store, pins, onPin });
    byId("filter").addEventListener("input", (event) => {
      this.#filter = event.target.value.trim().toLowerCase();
      this.#generation = -1;
      this.render();
    });
  }

  render() {
    if (this.store.generation !== this.#generation) this.#rebuild();
    const now = Date.now();
    for (const [key, { row, value, age }] of this.#rows) {
      const entry = this.store.entries.get(key);
      set(value, shown(entry.value, entry.unit));
      set(age, ago(entry.heard, now));
      row.classList.toggle("silent", now - entry.heard > SILENT);
    }
  }

  #rebuild() {
    this.#generation = this.store.generation;
    const all = this.store.list(({ device, metric }) => `${device} ${metric}`.toLowerCase().includes(this.#filter));
    const rows = new Map();
    for (const entry of all.slice(0, MOST)) {
      const key = keyOf(entry.device, entry.metric);
      rows.set(key, this.#rows.get(key) ?? this.#make(key, entry));
    }
    this.#rows = rows;
    byId("values").replaceChildren(...[...rows.values()].map(({ row }) => row));
    const none = all.length === 0 ? "Nothing has such a name." : "";
    byId("values-more").textContent = all.length > MOST ? `${MOST} of ${all.length} are shown: filter for others.` : none;
  }

  #make(key, entry) {
    const value = el("td", { class: "right number" });
    const age = el("td", { class: "age" });
    const last = el("td", { class: "right" });
    if (entry.kind === "number" && !entry.own) last.append(this.#button(key, entry));
    const row = el("tr", {}, el("th", { scope: "row", text: entry.device }), el("td", { text: entry.metric }), value, age, last);
    return { row, value, age };
  }

  #button(key, entry) {
    const button = el("button", { type: "button", class: "button quiet small pin", text: "Chart", "aria-pressed": String(this.pins.has(key)), "aria-label": `Chart ${entry.metric} of ${entry.device}` });
    button.addEventListener("click", () => {
      if (!this.pins.delete(key)) this.pins.add(key);
      button.setAttribute("aria-pressed", String(this.pins.has(key)));
      this.onPin();
    });
    return button;
  }
}

function set(node, text) {
  if (node.textContent !== text) node.textContent = text;
}
