// What the chat keeps in this browser: the rooms and the private conversations of a tab.

import { keptIn, random } from "../visitor.js";

export { keepNick, nick, secret } from "../visitor.js";

const ROOMS = "sockeye.chat.rooms";
const PRIVATES = "sockeye.chat.privates";

const tab = keptIn("sessionStorage"); // survives a reload of this tab

/** A key that makes a message safe to repeat. */
export const newKey = () => random(12);

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
