// Who this browser is: a secret that it makes up once and keeps, and a nickname. The
// server derives the public id from the secret; the secret is shown to nobody.

const SECRET = "sockeye.chat.secret";
const NICK = "sockeye.chat.nick";
const ROOMS = "sockeye.chat.rooms";
const PRIVATES = "sockeye.chat.privates";

// Storage can be forbidden; then this page is somebody until it is closed.
function keptIn(storageName) {
  const spare = new Map();
  const storage = () => globalThis[storageName];
  return {
    get(key) {
      try {
        return storage().getItem(key) ?? spare.get(key) ?? null;
      } catch {
        return spare.get(key) ?? null;
      }
    },
    set(key, value) {
      spare.set(key, value);
      try {
        storage().setItem(key, value);
      } catch {
        // kept in spare
      }
    },
  };
}

const browser = keptIn("localStorage"); // shared by tabs: they are one user
const tab = keptIn("sessionStorage"); // survives a reload of this tab

function random(bytes) {
  const values = crypto.getRandomValues(new Uint8Array(bytes));
  return btoa(String.fromCharCode(...values)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/** A key that makes a message safe to repeat. */
export const newKey = () => random(12);

/** The secret of this browser's user, 192 bits. */
export function secret() {
  let value = browser.get(SECRET);
  if (!value) {
    value = random(24);
    browser.set(SECRET, value);
  }
  return value;
}

export const nick = () => browser.get(NICK) ?? "";
export const keepNick = (value) => browser.set(NICK, value);

/** The rooms of this tab: what it was in, or what the address asks for, or the lobby. */
export function rooms() {
  const asked = new URLSearchParams(location.search).get("room");
  const kept = read(ROOMS).filter((room) => typeof room === "string");
  if (asked) return [...new Set([...kept, asked])];
  return kept.length ? kept : ["lobby"];
}

export const keepRooms = (names) => tab.set(ROOMS, JSON.stringify(names));

/** Private conversations, which the server does not keep: [{user, messages}]. */
export const privates = () => read(PRIVATES);
export const keepPrivates = (list) => tab.set(PRIVATES, JSON.stringify(list));

function read(key) {
  try {
    const list = JSON.parse(tab.get(key) ?? "[]");
    return Array.isArray(list) ? list : [];
  } catch {
    return [];
  }
}
