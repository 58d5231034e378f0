// Finding the server, loading its client, and saying how the connection is.

const meta = (name) => document.querySelector(`meta[name="${name}"]`)?.content ?? "";

/** Where the Socket.IO server is, relative to this file, so that a prefix in front of all is kept. */
export const engineURL = new URL(`../..${meta("sockeye:path") || "/socket.io/"}`, import.meta.url);

/** The server's version, or "". */
export const version = meta("sockeye:version");

/** What ?transport= asks for: "polling", "websocket", or "" for the client's own way. */
export function wantedTransport() {
  const wanted = new URLSearchParams(location.search).get("transport");
  return wanted === "polling" || wanted === "websocket" ? wanted : "";
}

/** What a person calls a transport. */
export function transportName(name) {
  return { polling: "Long-polling", websocket: "WebSocket" }[name] ?? "–";
}

/**
 * Connects to a namespace with the official client, as this server serves it. Throws
 * an Error with a sentence for the visitor when the client is not there.
 */
export async function connect(namespace, options = {}) {
  let io;
  try {
    ({ io } = await import(new URL("socket.io.esm.min.js", engineURL).href));
  } catch {
    throw new Error("This server was built without the browser client. Build it with make build, or load the client from elsewhere.");
  }
  const wanted = wantedTransport();
  const socket = io(engineURL.origin + namespace, {
    path: engineURL.pathname,
    reconnectionDelay: 500,
    reconnectionDelayMax: 4000,
    transports: wanted ? [wanted] : ["polling", "websocket"],
    ...options,
  });
  // Where the server has no polling, the next try is WebSocket alone. (The client's own
  // tryAllTransports would hide why another handshake was refused.)
  socket.on("connect_error", (error) => {
    if (!wanted && refusalOf(error).code === 0) socket.io.opts.transports = ["websocket"];
  });
  return socket;
}

/**
 * Calls back with {state, transport, reason, recovered} at once and on every change.
 * state is "connecting", "online", "offline" (and trying again) or "refused"
 * (for a reason that the server gave); reason is a sentence.
 */
export function watch(socket, callback) {
  const now = { state: "connecting", transport: "", reason: "", recovered: false };
  const tell = (change) => callback(Object.assign(now, change));

  const follow = () => {
    const { engine } = socket.io;
    tell({ transport: engine.transport.name });
    engine.on("upgrade", (transport) => tell({ transport: transport.name }));
  };
  socket.io.on("open", follow);
  if (socket.io.engine?.readyState === "open") follow();

  let ended = ""; // why the server is about to end this connection for good
  socket.on("sockeye:end", ({ message }) => { ended = message; });
  socket.on("connect", () => tell({ state: "online", reason: "", recovered: socket.recovered }));
  socket.on("disconnect", (reason) => {
    const final = reason === "io server disconnect";
    tell({ state: final ? "refused" : "offline", reason: final ? ended || "The server ended this connection." : "The connection was lost." });
  });
  socket.on("connect_error", (error) => {
    const { status, message } = refusalOf(error);
    if (!socket.active) tell({ state: "refused", reason: error.message });
    else if (status === 403) tell({ state: "refused", reason: message || "The server refused the connection." });
    else tell({ state: "offline", reason: "The server cannot be reached." });
  });
  tell({});
}

// An HTTP answer that refuses a handshake says why, as {code, message}.
function refusalOf(error) {
  const status = error.description;
  try {
    return { status, ...JSON.parse(error.context.responseText) };
  } catch {
    return { status };
  }
}
