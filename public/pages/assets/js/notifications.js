// The demo of the bell: a form that notifies the visitor itself. The bell does the rest.

import { byId } from "./dom.js";
import { random } from "./visitor.js";

const ACK = 10_000; // ms to wait for the server's answer
const bell = byId("bell");

byId("bell-url").textContent = new URL("bell.js", location.href).href;
byId("api-url").textContent = new URL("../api/v1/notify", location.href).href;

new MutationObserver(showState).observe(bell, { attributes: true, attributeFilter: ["data-state"] });
showState();

function showState() {
  const words = { online: "Connected", offline: bell.shadowRoot?.getElementById("trouble").textContent };
  byId("notify-state").textContent = words[bell.dataset.state] ?? "Connecting…";
}

let key = ""; // of what the form says, until it is sent

byId("notify").addEventListener("input", () => { key = ""; });
byId("notify").addEventListener("submit", async (event) => {
  event.preventDefault();
  key ||= random(12);
  const problem = await send().catch(() => "The server did not answer. Send it again: it comes once.");
  byId("notify-problem").textContent = problem;
  byId("notify-title").setAttribute("aria-invalid", String(Boolean(problem)));
  if (!problem) key = "";
});

// Resolves to what is wrong, or "".
async function send() {
  if (bell.dataset.state !== "online") return "You are not connected.";
  const socket = await bell.ready;
  const answer = await socket.timeout(ACK).emitWithAck("notify-me", {
    title: byId("notify-title").value, body: byId("notify-body").value, url: byId("notify-url").value, key,
  });
  return answer.error ? `${answer.error.message}.` : "";
}
