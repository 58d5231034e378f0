// As much of a document as html.js needs, that can be read back.

class Node {
  constructor(localName) {
    Object.assign(this, { localName, attributes: {}, children: [] });
  }

  setAttribute(name, value) {
    this.attributes[name] = value;
  }

  append(...children) {
    this.children.push(...children);
  }

  toString() {
    const inside = this.children.map((child) => (typeof child === "string" ? JSON.stringify(child).slice(1, -1) : String(child))).join("");
    if (!this.localName) return inside;
    return `[${[this.localName, ...Object.entries(this.attributes).map(([name, value]) => `${name}=${value}`)].join(" ")}|${inside}]`;
  }
}

export const paper = {
  createElement: (name) => new Node(name),
  createDocumentFragment: () => new Node(""),
};
