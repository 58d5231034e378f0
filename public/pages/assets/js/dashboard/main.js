// The dashboard: what devices measure, as it comes.

import { byId, el } from "../dom.js";
import { connect, transportName, watch } from "../connection.js";
import { Alerts } from "./alerts.js";
import { Map2D } from "./map.js";
import { Store, keyOf, shown } from "./store.js";
import { Values } from "./values.js";

const CHARTS = 6;
const DRAW = 250; // ms between two drawings
const GONE = 10_000; // ms without a word, and a server has gone
const DESCRIBE = 10_000; // ms between two descriptions for screen readers
const tileNames = { cpu: "Processor", memory: "Memory", connections: "Connections", events: "Events" };
const states = { connecting: "Connecting…", offline: "Connection lost", refused: "Refused" };

const store = new Store();
const alerts = new Alerts();
const pins = new Set();
const values = new Values(store, pins, () => { arrange(); draw(); });
const map = new Map2D(byId("map-canvas"), byId("map-scale"));
const tiles = new Map(); // by metric: {chart, number}
const charts = new Map(); // by metric: {chart, card, note}
const traced = new Set(); // devices whose way was asked for
const offset = { ms: 0 }; // of the server's clock

let Chart, LINES;
let socket;
let placed = []; // entries of positions
let arranged = -1;
let told = false; // by the server, what there is
let servers = 0; // their measures that are shown

byId("demo-command").textContent = location.port === "3000" && location.hostname === "127.0.0.1" ? "sockeye demo devices" : `sockeye demo devices --url ${location.origin}`;
byId("curl-command").textContent = `curl ${location.origin}/api/v1/ingest/boiler-1 -H 'Content-Type: application/json' \\\n  -d '{"metric": "temperature", "value": 21.5, "unit": "°C"}'`;

try {
  ({ Chart, LINES } = await import("./chart.js"));
  socket = await connect("/telemetry");
  begin();
} catch (error) {
  byId("connection").dataset.state = "refused";
  byId("connection-text").textContent = "No client";
  tell(error instanceof TypeError ? "This server was built without the library that draws charts. Build it with make build." : error.message);
}

function begin() {
  watch(socket, ({ state, transport, reason }) => {
    byId("connection").dataset.state = state;
    byId("connection-text").textContent = state === "online" ? transportName(transport) : states[state];
    tell(state === "offline" || state === "refused" ? `${reason}${state === "offline" ? " Trying again." : ""}` : "");
    byId("token").hidden = state !== "refused";
  });
  socket.on("connect", subscribe);
  socket.on("readings", (readings) => store.take(readings));
  socket.on("alert", (alert) => alerts.take(alert));
  byId("token").addEventListener("submit", (event) => {
    event.preventDefault();
    socket.auth = { token: byId("token-text").value.trim() };
    socket.disconnect().connect();
  });
  byId("span").addEventListener("change", draw);
  setInterval(() => { if (!document.hidden) draw(); }, DRAW);
  setInterval(() => alerts.tick((device, metric) => store.entries.get(keyOf(device, metric))?.value), 1000);
  setInterval(describe, DESCRIBE);
  document.addEventListener("visibilitychange", draw);
  frame();
}

// Nothing is missed while the connection is away: on coming back the last of everything is
// told, and the server has kept what the charts need.
async function subscribe() {
  const { readings, alerts: raised, time, error } = await socket.emitWithAck("subscribe");
  if (error) {
    tell(error.message);
    return;
  }
  told = true;
  offset.ms = time - Date.now();
  store.draw([]); // and their history is asked for anew
  store.take(readings);
  alerts.reset(raised);
  arranged = -1;
  draw();
  describe();
}

function tell(text) {
  byId("banner").textContent = text;
  byId("banner").hidden = !text;
}

/** Asks for what the server has kept of a key. */
async function history({ device, metric }) {
  const series = await socket.emitWithAck("series", { device, metric });
  return series.points ? series : { device, metric, points: [] };
}

/** Whether a server has said something lately: one that was stopped has not. */
const isHere = ({ time }) => Date.now() + offset.ms - time < GONE;

function ownHere() {
  let count = 0;
  for (const entry of store.entries.values()) if (entry.own && entry.kind === "number" && isHere(entry)) count += 1;
  return count;
}

/** Decides what is drawn, when keys have come. */
function arrange() {
  arranged = store.generation;
  const own = store.list((entry) => entry.own && entry.kind === "number" && isHere(entry));
  servers = own.length;
  const devices = store.list((entry) => !entry.own);
  placed = devices.filter(({ kind }) => kind === "position" || kind === "place");
  byId("server").hidden = !told;
  byId("empty").hidden = !told || devices.length > 0;
  byId("devices").hidden = byId("values-section").hidden = devices.length === 0;
  byId("server-hidden").hidden = own.length > 0 || tiles.size > 0 || !devices.length;
  byId("server-title").textContent = new Set(own.map(({ device }) => device)).size > 1 ? "The servers together" : "This server";

  const fresh = store.draw([...arrangeTiles(own), ...arrangeCharts(devices)]);
  for (const entry of fresh) history(entry).then((series) => store.backfill(series));
  for (const entry of placed) {
    if (traced.has(entry.device)) continue;
    traced.add(entry.device);
    history(entry).then((series) => map.seed(series));
  }
}

function arrangeTiles(own) {
  const drawn = [];
  for (const metric of Object.keys(tileNames)) {
    const entries = own.filter((entry) => entry.metric === metric);
    if (!entries.length) { // the last ones stay, while the connection is away
      drawn.push(...(tiles.get(metric)?.entries ?? []).slice(0, LINES));
      continue;
    }
    if (!tiles.has(metric)) addTile(metric);
    const tile = tiles.get(metric);
    tile.entries = entries;
    tile.chart.show(entries);
    tile.chart.legend.hidden = entries.length < 2;
    drawn.push(...entries.slice(0, LINES));
  }
  return drawn;
}

function arrangeCharts(devices) {
  const byMetric = new Map();
  for (const entry of devices) {
    if (entry.kind !== "number") continue;
    if (!byMetric.has(entry.metric)) byMetric.set(entry.metric, []);
    byMetric.get(entry.metric).push(entry);
  }
  const drawn = [];
  for (const metric of [...byMetric.keys()].sort().slice(0, CHARTS)) {
    const all = byMetric.get(metric);
    const chosen = all.filter(({ device }) => pins.has(keyOf(device, metric)));
    const entries = (chosen.length ? chosen : all).slice(0, LINES);
    if (!charts.has(metric)) addChart(metric);
    const { chart, note } = charts.get(metric);
    chart.show(entries);
    note.textContent = all.length > entries.length ? `${entries.length} of ${all.length}; choose others in the table.` : "";
    drawn.push(...entries);
  }
  return drawn;
}

function addTile(metric) {
  const chart = new Chart(tileNames[metric], { small: true });
  const number = el("p", { class: "number big" });
  byId("tiles").append(el("article", { class: "tile card" }, el("h3", { text: tileNames[metric] }), number, chart.frame, chart.legend));
  tiles.set(metric, { chart, number });
}

function addChart(metric) {
  const chart = new Chart(metric);
  const note = el("p", { class: "hint" });
  const button = el("button", { type: "button", class: "button quiet small", text: "Table", "aria-pressed": "false", "aria-label": `Show ${metric} as a table` });
  button.addEventListener("click", () => {
    chart.table.hidden = !chart.table.hidden;
    chart.frame.hidden = !chart.table.hidden;
    button.setAttribute("aria-pressed", String(!chart.table.hidden));
    draw();
  });
  const card = el("article", { class: "chart card" }, el("header", {}, el("h3", { text: metric }), button), chart.frame, chart.table, chart.legend, note);
  charts.set(metric, { chart, card });
  charts.get(metric).note = note;
  const after = [...charts.keys()].sort().indexOf(metric);
  byId("charts").insertBefore(card, byId("charts").children[after] ?? null);
}

function draw() {
  if (!Chart) return;
  if (store.generation !== arranged || ownHere() !== servers) arrange();
  const now = (Date.now() + offset.ms) / 1000;
  const span = Number(byId("span").value);
  for (const { chart, number, entries } of tiles.values()) {
    number.textContent = shown(entries.reduce((sum, { value }) => sum + value, 0), entries[0].unit);
    chart.draw(now, span);
  }
  for (const { chart } of charts.values()) chart.draw(now, span);
  byId("map").hidden = !map.take(placed);
  if (!map.moves) map.draw();
  values.render();
  summarize();
}

function summarize() {
  const devices = new Set();
  for (const { device, own } of store.entries.values()) if (!own) devices.add(device);
  const count = (n, word) => `${n} ${word}${n === 1 ? "" : "s"}`;
  const text = devices.size ? `${count(devices.size, "device")}, ${count(alerts.count, "alert")}` : told ? "No devices yet." : "";
  if (byId("summary").textContent !== text) byId("summary").textContent = text;
}

function describe() {
  for (const { chart } of [...tiles.values(), ...charts.values()]) chart.describe();
  map.describe();
}

// Boats glide from one position to the next.
function frame() {
  if (!document.hidden && map.moves && !byId("map").hidden) map.draw();
  requestAnimationFrame(frame);
}
