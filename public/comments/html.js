// The server's HTML, built again node by node from what is allowed here, so that a server
// that is wrong, or is not the one it seems, cannot make the page run anything.

const TAGS = new Set("p br strong em del code pre blockquote ul ol li a img".split(" "));
const DEPTH = 60; // of elements; what is deeper stands beside
const NAMED = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'", nbsp: "\u00a0" };
// A tag, a comment or such, an entity, other text, or a character that begins none of them.
const PIECE = /<(\/?)([a-zA-Z][a-zA-Z0-9]*)((?:"[^"]*"|'[^']*'|[^"'<>])*)>|<[!?][^>]*>|&(#\d{1,7}|#[xX][\da-fA-F]{1,6}|[a-zA-Z]{2,6});|[^<&]+|[<&]/g;
const ATTRIBUTE = /([a-z]+)\s*=\s*"([^"]*)"/g;
const ENTITY = /&(#\d{1,7}|#[xX][\da-fA-F]{1,6}|[a-zA-Z]{2,6});/g;

function decode(whole, name) {
  if (name[0] !== "#") return NAMED[name] ?? whole;
  const code = /x/i.test(name[1]) ? parseInt(name.slice(2), 16) : Number(name.slice(1));
  return code > 0 && code <= 0x10ffff ? String.fromCodePoint(code) : "\ufffd";
}

/** The schemes of pages. */
export const WEB = ["http:", "https:"];

/** The address if it is a whole one of a scheme that does nothing by itself, or "". */
export function safe(address, schemes) {
  try {
    const url = new URL(address);
    return schemes.includes(url.protocol) ? url.href : "";
  } catch {
    return "";
  }
}

function element(tag, attributes, doc) {
  const node = doc.createElement(tag);
  const given = {};
  for (const [, name, value] of attributes.matchAll(ATTRIBUTE)) given[name] ??= value.replace(ENTITY, decode);
  if (tag === "a") {
    const href = safe(given.href, [...WEB, "mailto:"]);
    if (href) {
      node.setAttribute("href", href);
      node.setAttribute("rel", "nofollow ugc noopener noreferrer");
      node.setAttribute("target", "_blank");
    }
  } else if (tag === "img") {
    const src = safe(given.src, WEB);
    node.setAttribute("alt", given.alt ?? "");
    node.setAttribute("loading", "lazy");
    node.setAttribute("referrerpolicy", "no-referrer");
    if (src) node.setAttribute("src", src);
  } else if (tag === "ol" && /^\d{1,9}$/.test(given.start)) node.setAttribute("start", given.start);
  return node;
}

/** Builds the nodes of sanitised HTML into a fragment. Of what is not allowed, the text stays. */
export function rebuild(html, doc = document) {
  const top = doc.createDocumentFragment();
  const open = [top];
  for (const [whole, closing, name, attributes, entity] of String(html).matchAll(PIECE)) {
    const parent = open.at(-1);
    const tag = name?.toLowerCase();
    if (!tag) {
      if (entity) parent.append(decode(whole, entity));
      else if (!/^<[!?]/.test(whole)) parent.append(whole);
    } else if (TAGS.has(tag)) {
      if (closing) {
        const at = open.findLastIndex((node) => node.localName === tag);
        if (at > 0) open.length = at;
      } else {
        const node = element(tag, attributes, doc);
        parent.append(node);
        if (tag !== "br" && tag !== "img" && open.length < DEPTH) open.push(node);
      }
    }
  }
  return top;
}
