// Nodes without HTML: a page may forbid strings of HTML, and Trusted Types do.

const SVG = "http://www.w3.org/2000/svg";

/** Makes an element: h("button.quiet", {onclick, "aria-label": "..."}, "Words", node). */
export function h(what, props, ...kids) {
  const [tag, ...names] = what.split(".");
  const node = document.createElement(tag);
  if (names[0]) node.className = names.join(" ");
  if (tag === "button") node.type = "button";
  set(node, props);
  node.append(...kids.filter((kid) => kid || kid === 0));
  return node;
}

/** Sets properties; what has a hyphen, role, part and tabindex are attributes, and null takes one away. */
export function set(node, props) {
  for (const name in props) {
    const value = props[name];
    if (/-|^(role|part|tabindex)$/.test(name)) {
      if (value == null) node.removeAttribute(name);
      else if (node.getAttribute(name) !== String(value)) node.setAttribute(name, value);
    } else if (node[name] !== value) node[name] = value;
  }
  return node;
}

const paths = {
  up: "M12 6l7 9H5z",
  down: "M12 18l7-9H5z",
  smile: "M12 3a9 9 0 1 0 0 18a9 9 0 0 0 0-18M8.500 14.500q3.500 3 7 0M9 9.500v.5M15 9.500v.5",
  more: "M5 12h.01M12 12h.01M19 12h.01",
  pin: "M9 4h6l-1 6 3 3v2H7v-2l3-3zM12 15v6",
  lock: "M6 11h12v9H6zM8.500 11V8a3.500 3.500 0 0 1 7 0v3",
};

/** A drawing that says nothing by itself. */
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  const path = document.createElementNS(SVG, "path");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  svg.setAttribute("class", name);
  path.setAttribute("d", paths[name]);
  svg.append(path);
  return svg;
}

/** The element that has the keyboard, inside the shadow tree of a node. */
export const focused = (node) => node.getRootNode().activeElement;
