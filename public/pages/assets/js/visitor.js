// Who this browser is where nobody knows its user: a secret that it makes up once and
// keeps. The server derives the public id from the secret; the secret is shown to nobody.

const SECRET = "sockeye.chat.secret";
const NICK = "sockeye.chat.nick";

// Storage can be forbidden; then this page is somebody until it is closed.
export function keptIn(storageName) {
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

export const browser = keptIn("localStorage"); // shared by tabs: they are one user

export function random(bytes) {
  const values = crypto.getRandomValues(new Uint8Array(bytes));
  return btoa(String.fromCharCode(...values)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/** The secret of this browser's user, 192 bits. */
export function secret() {
  let value = browser.get(SECRET);
  if (!value) {
    value = random(24);
    browser.set(SECRET, value);
  }
  return value;
}

/** What the visitor wants to be called, or "". */
export const nick = () => browser.get(NICK) ?? "";
export const keepNick = (value) => browser.set(NICK, value);
