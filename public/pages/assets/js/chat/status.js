// How the connection is: the chip in the bar, the details under it, and the banner
// while it is lost.

import { byId } from "../dom.js";
import { transportName, wantedTransport } from "../connection.js";

const banner = byId("banner");
const words = { connecting: "Connecting…", offline: "Reconnecting…", refused: "Not connected" };
let lost = false;
let hide = 0; // timer

/** Shows a state as connection.js tells it. */
export function showStatus({ state, transport, reason, recovered }) {
  const online = state === "online";
  byId("connection").dataset.state = state;
  byId("connection-text").textContent = online ? transportName(transport) : words[state];
  byId("detail-state").textContent = online ? "Connected" : words[state].replace("…", "");
  byId("detail-transport").textContent = transport ? transportName(transport) : "–";
  if (online && lost) {
    byId("detail-recovered").textContent = recovered ? "Recovered" : "New session";
    say("healed", "Back again.");
    hide = setTimeout(() => { banner.hidden = true; }, 2500);
  }
  if (state === "offline") say("lost", `${reason} Trying again; what you write is sent when it is back.`);
  if (state === "refused") say("refused", reason);
  lost = state === "offline" || state === "refused" || (lost && !online);
}

function say(kind, text) {
  clearTimeout(hide);
  banner.dataset.kind = kind;
  banner.hidden = false;
  if (banner.textContent !== text) banner.textContent = text;
}

byId("transport").value = wantedTransport();
byId("transport").addEventListener("change", ({ target }) => {
  const url = new URL(location.href);
  if (target.value) url.searchParams.set("transport", target.value);
  else url.searchParams.delete("transport");
  location.assign(url);
});
