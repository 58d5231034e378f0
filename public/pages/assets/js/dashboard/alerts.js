// What is wrong right now, and what was until just now.

import { byId, el } from "../dom.js";
import { ago, shown } from "./store.js";

const KEPT = 8; // cleared alerts
const MOST = 50; // raised ones that are listed
const words = { info: "Info", warning: "Warning", critical: "Critical" };
const rank = { critical: 0, warning: 1, info: 2 };

const keyOf = ({ name, device, metric }) => [name, device, metric].join("\n");

export class Alerts {
  #raised = new Map();
  #cleared = [];
  #spoken = [];

  /** Takes all alerts there are, on connecting. */
  reset(alerts) {
    this.#raised = new Map(alerts.map((alert) => [keyOf(alert), alert]));
    this.render();
  }

  /** Takes one that was raised or cleared. */
  take(alert) {
    const key = keyOf(alert);
    if (alert.state === "raised") {
      this.#raised.set(key, alert);
    } else {
      this.#raised.delete(key);
      this.#cleared = [alert, ...this.#cleared].slice(0, KEPT);
    }
    this.#speak(`${alert.state === "raised" ? words[alert.severity] : "Cleared"}: ${alert.name}, ${alert.device}, ${alert.metric} ${shown(alert.value, alert.unit)}`);
    this.render();
  }

  get count() {
    return this.#raised.size;
  }

  // Several at once are one announcement.
  #speak(text) {
    this.#spoken.push(text);
    if (this.#spoken.length > 1) return;
    setTimeout(() => {
      const more = this.#spoken.length - 3;
      byId("announcements").textContent = this.#spoken.slice(0, 3).join(". ") + (more > 0 ? `. And ${more} more.` : "");
      this.#spoken = [];
    }, 1000);
  }

  render() {
    const all = [...this.#raised.values()].sort((a, b) => rank[a.severity] - rank[b.severity] || b.since - a.since);
    byId("alerts").replaceChildren(...all.slice(0, MOST).map((alert) => item(alert)));
    byId("calm").hidden = all.length > 0;
    byId("past").hidden = !this.#cleared.length;
    byId("cleared").replaceChildren(...this.#cleared.map((alert) => item(alert)));
  }

  /** Brings the ages up to date, and the values of what is still wrong. */
  tick(valueOf) {
    for (const alert of this.#raised.values()) {
      const value = valueOf(alert.device, alert.metric);
      if (typeof value === "number") alert.value = value;
    }
    this.render();
  }
}

function item(alert) {
  const over = alert.state === "raised";
  const when = over ? `since ${ago(alert.since).replace(" ago", "").replace("now", "just now")}` : ago(alert.time);
  return el("li", { class: "alert", data: { severity: over ? alert.severity : "cleared" } },
    el("span", { class: "severity", text: over ? words[alert.severity] : "Cleared" }),
    el("strong", { text: alert.name }),
    el("span", { class: "where", text: `${alert.device} · ${alert.metric} ${shown(alert.value, alert.unit)}` }),
    el("span", { class: "hint", text: when }));
}
