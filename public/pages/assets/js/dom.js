// The few things that every page does with the document.

/** The element with this id. */
export const byId = (id) => document.getElementById(id);

/**
 * Makes an element. Properties are set as such, except class, data (an object), text
 * and attributes with a dash; children are nodes or strings, and null is left out.
 */
export function el(tag, properties = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === null) continue;
    if (name === "class") node.className = value;
    else if (name === "text") node.textContent = value;
    else if (name === "data") Object.assign(node.dataset, value);
    else if (name.includes("-") || name === "role") node.setAttribute(name, value);
    else node[name] = value;
  }
  node.append(...children.filter((child) => child !== null));
  return node;
}

/** A value between 0 and 359 that belongs to a user's id. */
export function hueOf(id) {
  let sum = 0;
  for (const char of id) sum = (sum * 31 + char.codePointAt(0)) % 360000;
  return sum % 360;
}

/** A round badge with the first letter of a nickname, in the user's colour. */
export function avatar(user) {
  const badge = el("span", { class: "avatar", "aria-hidden": "true" });
  dressAvatar(badge, user);
  return badge;
}

/** Gives an existing badge the letter and colour of a user. */
export function dressAvatar(badge, user) {
  badge.textContent = [...user.nick][0].toUpperCase();
  badge.style.setProperty("--hue", hueOf(user.id));
}
