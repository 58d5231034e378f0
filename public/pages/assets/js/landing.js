// The index: a live look at the connection, and at what the server measures of itself.

import { byId } from "./dom.js";
import { connect, engineURL, transportName, version, watch } from "./connection.js";
import { shown } from "./dashboard/store.js";

const GONE = 10_000; // ms without a word, and a server has gone
const words = { connecting: "Connecting…", online: "Connected", offline: "Connection lost", refused: "Refused" };

byId("client-url").textContent = new URL("socket.io.js", engineURL).pathname;
byId("version").textContent = version;

try {
  const socket = await connect("/");
  let since = 0;
  let detail = "";

  watch(socket, ({ state, transport, reason }) => {
    if (state === "online" && !since) since = Date.now();
    if (state !== "online") since = 0;
    byId("vitals-title").dataset.state = state;
    byId("state").textContent = words[state];
    byId("transport").textContent = state === "online" ? transportName(transport) : "–";
    detail = state === "online" || state === "connecting" ? "This page is talking to the server right now." : `${reason} ${state === "offline" ? "Trying again." : ""}`;
    byId("state-detail").textContent = detail;
    if (state !== "online") byId("round-trip").textContent = byId("uptime").textContent = "–";
  });

  const measure = async () => {
    if (document.hidden || !socket.connected) return;
    const start = performance.now();
    try {
      await socket.timeout(5000).emitWithAck("echo");
      const took = performance.now() - start;
      byId("round-trip").textContent = `${took < 10 ? took.toFixed(1) : Math.round(took)} ms`;
    } catch {
      byId("round-trip").textContent = "–"; // lost meanwhile, or the relay is off
    }
  };
  socket.on("connect", measure);
  socket.io.on("open", () => socket.io.engine.on("upgrade", measure));
  setInterval(measure, 3000);
  setInterval(() => {
    if (since) byId("uptime").textContent = duration(Math.round((Date.now() - since) / 1000));
  }, 1000);
  gauge(await connect("/telemetry"));
} catch (error) {
  byId("vitals-title").dataset.state = "refused";
  byId("state").textContent = "No client";
  byId("state-detail").textContent = error.message;
}

// What the dashboard shows of the servers, together: for those who may see it.
function gauge(telemetry) {
  const known = new Map(); // by server and metric
  const take = (readings) => {
    for (const reading of readings) known.set(`${reading.device} ${reading.metric}`, reading);
    const now = Math.max(...[...known.values()].map(({ time }) => time));
    for (const metric of ["connections", "events", "cpu", "memory"]) {
      const of = [...known.values()].filter((reading) => reading.metric === metric && now - reading.time < GONE);
      if (of.length) byId(metric).textContent = shown(of.reduce((sum, { value }) => sum + value, 0), metric === "events" ? "" : of[0].unit);
    }
    byId("gauges").hidden = !known.size;
  };
  telemetry.on("readings", take);
  telemetry.on("connect", async () => {
    const { readings } = await telemetry.emitWithAck("subscribe", ["sockeye", "sockeye:*"]);
    take(readings ?? []);
  });
  telemetry.on("disconnect", () => { byId("gauges").hidden = true; });
}

function duration(seconds) {
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
  return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`;
}
