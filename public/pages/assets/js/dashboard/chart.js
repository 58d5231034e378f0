// One live line chart, with a legend of its own and a table for those who cannot see it.

import uPlot from "../../lib/uPlot.esm.js";
import { el } from "../dom.js";
import { shown } from "./store.js";

/** How many lines a chart has at most: more cannot be told apart. */
export const LINES = 5;

const style = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });

export class Chart {
  #plot;
  #lines = []; // entries that are drawn
  #colours = {};

  /** small leaves out the axes, for a tile. */
  constructor(title, { small = false } = {}) {
    this.title = title;
    this.small = small;
    this.frame = el("div", { class: "plot", role: "img", "aria-label": `Line chart of ${title}` });
    this.legend = el("ul", { class: "legend", role: "list" });
    this.body = el("tbody");
    this.table = el("div", { class: "chart-table", hidden: true },
      el("table", {},
        el("caption", { class: "unseen", text: `${title}: the lines of the chart in numbers` }),
        el("thead", {}, el("tr", {}, ...["Device", "Last", "Lowest", "Highest", "Mean"].map((text, i) => el("th", { scope: "col", text, class: i ? "right" : "" })))),
        this.body));
    this.resize = new ResizeObserver(() => this.#fit());
    this.resize.observe(this.frame);
    this.scheme = matchMedia("(prefers-color-scheme: dark)");
    this.repaint = () => { this.#colours = {}; this.#plot?.redraw(); this.#dressLegend(); };
    this.scheme.addEventListener("change", this.repaint);
  }

  /** Lets go of everything. */
  destroy() {
    this.resize.disconnect();
    this.scheme.removeEventListener("change", this.repaint);
    this.#plot?.destroy();
  }

  /** Says which entries are drawn. */
  show(entries) {
    const lines = entries.slice(0, LINES);
    if (this.#plot && lines.length === this.#lines.length && lines.every((entry, i) => entry === this.#lines[i])) return;
    this.#lines = lines;
    this.#plot?.destroy();
    this.#plot = null;
    this.#dressLegend();
  }

  /** Draws what there is, up to now, in seconds, and for a span before. */
  draw(now, span) {
    if (!this.#lines.length) return;
    const from = now - span;
    const tables = this.#lines.map(({ points }) => {
      const recent = points.filter(([at]) => at >= from - 10);
      return [recent.map(([at]) => at), recent.map(([, value]) => value)];
    });
    const data = tables.length === 1 ? tables[0] : uPlot.join(tables);
    this.range = [from, now];
    if (this.#plot) this.#plot.setData(data);
    else if (this.frame.clientWidth) this.#plot = new uPlot(this.#options(), data, this.frame);
    for (const [i, entry] of this.#lines.entries()) {
      const value = this.legend.children[i]?.lastChild;
      if (value) value.textContent = shown(entry.value, entry.unit);
    }
    if (!this.table.hidden) this.#fill(from);
  }

  /** Says in words what the picture shows. */
  describe() {
    const words = this.#lines.map((entry) => `${entry.device} ${shown(entry.value, entry.unit)}`);
    this.frame.setAttribute("aria-label", `Line chart of ${this.title}. Last: ${words.join("; ")}.`);
  }

  #fill(from) {
    this.body.replaceChildren(...this.#lines.map((entry) => {
      const values = entry.points.filter(([at]) => at >= from).map(([, value]) => value);
      const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
      const numbers = values.length ? [values.at(-1), Math.min(...values), Math.max(...values), mean] : [];
      return el("tr", {}, el("th", { scope: "row", text: entry.device }), ...numbers.map((n) => el("td", { class: "right", text: shown(n, entry.unit) })));
    }));
  }

  #dressLegend() {
    this.legend.replaceChildren(...this.#lines.map((entry, i) => {
      const key = el("span", { class: "key", "aria-hidden": "true", data: { line: i } });
      return el("li", {}, key, el("span", { class: "name", text: entry.device }), el("span", { class: "number", text: shown(entry.value, entry.unit) }));
    }));
  }

  #colour(name) {
    return (this.#colours[name] ??= style(name));
  }

  #fit() {
    if (this.#plot) this.#plot.setSize({ width: this.frame.clientWidth, height: this.frame.clientHeight });
  }

  #options() {
    const axis = {
      stroke: () => this.#colour("--ink-soft"), font: "12px system-ui, sans-serif", ticks: { show: false },
      grid: { stroke: () => this.#colour("--line"), width: 1 },
    };
    return {
      width: this.frame.clientWidth,
      height: this.frame.clientHeight,
      padding: this.small ? [4, 0, 4, 0] : [8, 28, 0, 0],
      legend: { show: false },
      cursor: { show: !this.small, y: false, points: { size: 7 }, drag: { x: false, y: false } },
      scales: {
        x: { time: true, range: () => this.range },
        y: { range: (_, low, high) => spread(low, high, this.small) },
      },
      axes: this.small ? [{ show: false }, { show: false }] : [
        { ...axis, size: 28, space: 90, values: (_, all) => all.map((at) => clock.format(at * 1000)) },
        { ...axis, size: 46, space: 34 },
      ],
      series: [{}, ...this.#lines.map((entry, i) => ({
        label: entry.device,
        width: 2,
        stroke: () => this.#colour(`--line-${i}`),
        fill: this.small && i === 0 ? () => this.#colour("--fill-0") : undefined,
        dash: this.small ? undefined : [[], [8, 4], [2, 3], [10, 3, 2, 3], [5, 5]][i],
        points: { show: false },
        spanGaps: true,
      }))],
    };
  }
}

// A flat line is in the middle, and a moving one does not touch the edges.
function spread(low, high, fromZero) {
  if (low === null || high === null) return [0, 1];
  if (fromZero) low = Math.min(low, 0);
  const room = (high - low || Math.abs(high) || 1) * 0.12;
  return [fromZero && low >= 0 ? 0 : low - room, high + room];
}
