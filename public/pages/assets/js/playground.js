// Sends any event and shows everything that happens.

import { byId, el } from "./dom.js";
import { connect, transportName, watch } from "./connection.js";

const KEEP = 300; // lines
const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit", fractionalSecondDigits: 3, hour12: false });
const words = { connecting: "Connecting…", offline: "Reconnecting…", refused: "Refused" };

let socket = null;

function record(kind, way, name, args = []) {
  const lines = byId("lines");
  const follow = lines.scrollHeight - lines.scrollTop - lines.clientHeight < 60;
  const values = args.map((arg) => JSON.stringify(arg, readable) ?? "undefined").join(", ");
  lines.append(el("div", { class: `line ${kind}` },
    el("time", { text: clock.format(new Date()) }),
    el("span", { class: "way", text: way }),
    el("span", { class: "what" }, el("b", { text: name }), values ? ` ${values}` : "")));
  while (lines.childElementCount > KEEP) lines.firstElementChild.remove();
  if (follow) lines.scrollTop = lines.scrollHeight;
}

function readable(_, value) {
  return value instanceof ArrayBuffer ? `binary, ${value.byteLength} bytes` : value;
}

async function open() {
  byId("connect-problem").textContent = "";
  let auth;
  try {
    auth = JSON.parse(byId("auth").value.trim() || "{}");
  } catch {
    byId("connect-problem").textContent = "The auth payload is not JSON.";
    byId("auth").focus();
    return;
  }
  socket?.removeAllListeners();
  socket?.disconnect();
  const namespace = byId("namespace").value.trim() || "/";
  try {
    socket = await connect(namespace, { auth, forceNew: true });
  } catch (error) {
    byId("connect-problem").textContent = error.message;
    showState({ state: "refused" });
    return;
  }
  const mine = socket;
  watch(mine, (status) => { if (mine === socket) showState(status); });
  mine.on("connect", () => record("", "open", namespace, [{ id: mine.id, recovered: mine.recovered }]));
  mine.on("disconnect", (reason) => record("", "closed", reason));
  mine.on("connect_error", (error) => record("", "refused", error.message, error.data === undefined ? [] : [error.data]));
  mine.io.on("open", () => mine.io.engine.on("upgrade", (transport) => record("", "upgrade", transportName(transport.name))));
  mine.onAny((event, ...args) => record("in", "← in", event, args));
}

function showState({ state, transport }) {
  byId("connection").dataset.state = state;
  byId("connection-text").textContent = state === "online" ? transportName(transport) : words[state];
}

byId("connect-form").addEventListener("submit", (event) => {
  event.preventDefault();
  open();
});

byId("send-form").addEventListener("submit", (submit) => {
  submit.preventDefault();
  const event = byId("event").value;
  let args;
  try {
    args = JSON.parse(`[${byId("arguments").value}]`);
  } catch (error) {
    byId("arguments-problem").textContent = `Not JSON: ${error.message}`;
    byId("arguments").focus();
    return;
  }
  byId("arguments-problem").textContent = "";
  if (!socket?.connected) {
    byId("arguments-problem").textContent = "Not connected.";
    return;
  }
  try {
    if (byId("ack").checked) {
      socket.timeout(5000).emit(event, ...args, (error, ...answer) => {
        record("in", "← ack", event, error ? [{ timeout: "no answer within 5 s" }] : answer);
      });
    } else {
      socket.emit(event, ...args);
    }
    record("out", "→ out", event, args);
  } catch (error) {
    byId("arguments-problem").textContent = error.message; // a name that the client keeps for itself
  }
});

byId("presets").addEventListener("click", ({ target }) => {
  if (!target.dataset.event) return;
  byId("event").value = target.dataset.event;
  byId("arguments").value = target.dataset.arguments;
});
byId("clear").addEventListener("click", () => byId("lines").replaceChildren());

open();
