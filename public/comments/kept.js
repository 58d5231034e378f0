// What this browser keeps: the secret and name of a guest, and drafts. There is no cookie.

const spare = {}; // storage can be forbidden; then it is kept for as long as the page is open

/** Reads and writes JSON in localStorage or sessionStorage. Writing undefined takes it away. */
export function kept(storage, key) {
  try {
    return JSON.parse(window[storage].getItem(key)) ?? spare[key];
  } catch {
    return spare[key];
  }
}

export function keep(storage, key, value) {
  spare[key] = value;
  try {
    if (value === undefined) window[storage].removeItem(key);
    else window[storage].setItem(key, JSON.stringify(value));
  } catch {
    // kept in spare
  }
}

/** Letters that nobody guesses: 192 bits. */
export function random() {
  return btoa(String.fromCharCode(...crypto.getRandomValues(new Uint8Array(24)))).replaceAll("+", "-").replaceAll("/", "_");
}
