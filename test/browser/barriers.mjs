// What every page promises to people, found out in the page: colours that can be told apart, names, an
// order of the keyboard that is that of reading, and nothing that is wider than the window.

import assert from "node:assert/strict";

/** The widths in CSS pixels: the narrowest of WCAG 1.4.10, a phone, a tablet, a desk. */
const WIDTHS = [320, 360, 768, 1280];

const ROLES = new Set("button link textbox searchbox checkbox radio combobox listbox option slider spinbutton switch tab menuitem".split(" "));

/** Fails if something to use has no name that a screen reader could say, in shadow trees too. */
export async function assertNames(page, what) {
  const cdp = await page.context().newCDPSession(page);
  const { nodes } = await cdp.send("Accessibility.getFullAXTree");
  await cdp.detach();
  const used = nodes.filter((node) => !node.ignored && ROLES.has(node.role?.value));
  const nameless = used.filter((node) => !node.name?.value?.trim()).map((node) => `${node.role.value} of ${JSON.stringify(node.properties?.map(({ name }) => name))}`);
  assert.deepEqual(nameless, [], `without a name: ${what}`);
  return used.length;
}

/** Fails if the page is wider than a window. */
export async function assertFits(page, what) {
  const { height } = page.viewportSize();
  for (const width of WIDTHS) {
    await page.setViewportSize({ width, height });
    const wide = await page.evaluate(() => {
      const over = document.documentElement.scrollWidth - innerWidth;
      if (over <= 0) return "";
      const guilty = [...document.querySelectorAll("body *")].filter((node) => node.getBoundingClientRect().right > innerWidth + 1);
      return `${over} px: ${guilty.slice(0, 3).map((node) => node.outerHTML.slice(0, 80)).join(" | ")}`;
    });
    assert.equal(wide, "", `too wide at ${width} px: ${what}`);
  }
}

/** Fails if the page has no language, title, one main heading, headings in order, or landmarks. */
export async function assertOutline(page, what, framed = false) {
  const wrong = await page.evaluate((framed) => {
    const seen = (node) => node.checkVisibility({ visibilityProperty: true });
    const problems = [];
    if (!/^[a-z]{2}/.test(document.documentElement.lang)) problems.push("no lang");
    if (!document.title || !framed && !document.title.includes("Sockeye")) problems.push(`title ${document.title}`);
    const dialog = document.querySelector("dialog:modal");
    const headings = [...document.querySelectorAll("h1, h2, h3, h4, h5, h6")].filter((node) => seen(node) && !node.closest("dialog"));
    const first = headings.filter(({ localName }) => localName === "h1");
    if (!dialog && !framed && first.length !== 1) problems.push(`${first.length} h1`);
    headings.reduce((level, { localName, textContent }) => {
      if (localName[1] - level > 1) problems.push(`${localName} "${textContent}" after h${level}`);
      return localName[1];
    }, 1);
    for (const landmark of framed ? ["main"] : ["main", "header", "nav"]) {
      if (!document.querySelector(landmark)) problems.push(`no ${landmark}`);
    }
    if (document.querySelectorAll("main").length > 1) problems.push("several main");
    return problems;
  }, framed);
  assert.deepEqual(wrong, [], what);
}

/**
 * Fails if text is not 4.5:1 against what is behind it (3:1 where it is large), placeholders included and
 * disabled controls not, or the edge of a field not 3:1. Returns how many texts it judged.
 */
export async function assertContrast(page, what) {
  const { weak, judged } = await page.evaluate(judgeColours);
  assert.deepEqual(weak, [], `contrast: ${what}`);
  assert.ok(judged > 3, `only ${judged} texts were judged: ${what}`);
}

// Runs in the page.
function judgeColours() {
  const brush = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
  const known = new Map();
  const rgba = (color) => {
    if (!known.has(color)) {
      brush.clearRect(0, 0, 1, 1);
      brush.fillStyle = color;
      brush.fillRect(0, 0, 1, 1);
      const [r, g, b, a] = brush.getImageData(0, 0, 1, 1).data;
      known.set(color, [r, g, b, a / 255]);
    }
    return known.get(color);
  };
  const over = ([r, g, b, a], [x, y, z]) => [r * a + x * (1 - a), g * a + y * (1 - a), b * a + z * (1 - a)];
  const light = (color) => color.slice(0, 3).reduce((sum, c, i) => sum + [0.2126, 0.7152, 0.0722][i] * (c / 255 <= 0.04045 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4), 0);
  const ratio = (a, b) => (Math.max(light(a), light(b)) + 0.05) / (Math.min(light(a), light(b)) + 0.05);
  const parentOf = (node) => node.assignedSlot ?? node.parentElement ?? node.getRootNode().host ?? null;
  const ground = document.createElement("div"); // what the browser paints where no page does
  ground.style.background = "Canvas";
  document.body.append(ground);
  const canvas = rgba(getComputedStyle(ground).backgroundColor);
  ground.remove();

  // What is behind a node, or null where a picture is.
  function behind(node) {
    const layers = [];
    for (let at = node; at; at = parentOf(at)) {
      const { backgroundColor, backgroundImage } = getComputedStyle(at);
      if (backgroundImage !== "none" || at.localName === "canvas") return null;
      const color = rgba(backgroundColor);
      layers.push(color);
      if (color[3] === 1) break;
    }
    return layers.reverse().reduce((below, color) => over(color, below), canvas);
  }
  const opacity = (node) => {
    let all = 1;
    for (let at = node; at; at = parentOf(at)) all *= getComputedStyle(at).opacity;
    return all;
  };
  const disabled = (node) => node.closest(":disabled, [aria-disabled=true]");
  const weak = [];
  let judged = 0;

  function judge(node, color, style, text) {
    const back = behind(node);
    if (!back) return;
    const shown = over([...color.slice(0, 3), color[3] * opacity(node)], back);
    const size = parseFloat(style.fontSize);
    const large = size >= 24 || size >= 18.66 && style.fontWeight >= 700;
    const got = ratio(shown, back);
    judged += 1;
    if (got < (large ? 3 : 4.5)) weak.push(`${got.toFixed(2)}: ${text.trim().slice(0, 40)} in ${node.cloneNode().outerHTML.slice(0, 100)}`);
  }

  function walk(root) {
    for (const node of root.querySelectorAll("*")) {
      if (node.shadowRoot) walk(node.shadowRoot);
      const style = getComputedStyle(node);
      if (!node.checkVisibility({ visibilityProperty: true }) || disabled(node) || /inset\(50%\)/.test(style.clipPath) || node.closest(".unseen")) continue;
      const modal = document.querySelector("dialog:modal");
      if (modal && root === document && !modal.contains(node)) continue; // behind a veil
      const own = [...node.childNodes].filter((child) => child.nodeType === 3 && child.data.trim()).map((child) => child.data).join(" ");
      if (own) judge(node, rgba(style.color), style, own);
      if (!node.matches("input:not([type=checkbox], [type=radio]), textarea, select")) continue;
      if (node.placeholder) judge(node, rgba(getComputedStyle(node, "::placeholder").color), style, node.placeholder);
      if (node.value) judge(node, rgba(style.color), style, node.value);
      const edge = rgba(style.borderTopColor);
      const outside = behind(parentOf(node));
      if (outside && parseFloat(style.borderTopWidth) && ratio(over(edge, outside), outside) < 3) weak.push(`edge ${ratio(over(edge, outside), outside).toFixed(2)} of ${node.cloneNode().outerHTML.slice(0, 100)}`);
    }
  }
  walk(document);
  return { weak, judged };
}

/**
 * Goes through the page by Tab, and fails if something is not reached, as where the keyboard is held,
 * is reached in another order than one reads, or does not show that the keyboard is there.
 */
export async function assertKeyboard(page, what) {
  const stops = await page.evaluate(followKeyboard);
  assert.ok(stops > 0, `nothing is there for the keyboard: ${what}`);
  let left = stops;
  for (let before = Infinity; left > 0 && left < before;) { // more can appear on the way, as in a form that unfolds
    before = left;
    for (let presses = 0; presses <= before + 3; presses += 1) await page.keyboard.press("Tab");
    left = await page.evaluate(() => globalThis.__keyboard.left());
  }
  assert.deepEqual(await page.evaluate(() => globalThis.__keyboard.end()), [], `by keyboard: ${what}`);
}

// Runs in the page. Returns how many stops there are, and notes what is reached.
function followKeyboard() {
  const parentOf = (node) => node.assignedSlot ?? node.parentElement ?? node.getRootNode().host ?? null;
  const within = (root) => [...root.querySelectorAll("*")].flatMap((node) => [node, ...(node.shadowRoot ? within(node.shadowRoot) : [])]);
  const called = (node) => node.cloneNode().outerHTML.slice(0, 120);
  const modal = document.querySelector("dialog:modal");
  const reached = [];
  const focused = new Map(); // how what was reached looked then
  const problems = [];

  // Of radios with one name, one is a stop.
  const groups = new Set();
  const stops = within(modal ?? document.body).filter((node) => {
    if (node.tabIndex < 0 || node.shadowRoot || !node.matches("a[href], button, input, select, textarea, summary, [tabindex]")) return false;
    if (!node.checkVisibility({ visibilityProperty: true }) || node.matches(":disabled")) return false;
    if (node.type !== "radio") return true;
    const fresh = !groups.has(node.name);
    groups.add(node.name);
    return fresh;
  });

  const pinned = (node) => {
    for (let at = node; at; at = parentOf(at)) if (["fixed", "sticky"].includes(getComputedStyle(at).position)) return true;
    return false;
  };
  // How the node looks, and what stands for it, such as the label around a hidden box.
  const looks = (node) => {
    const seen = [];
    for (let at = node; at && seen.length < 4; at = parentOf(at)) {
      const { outlineStyle, outlineWidth, boxShadow, borderTopColor } = getComputedStyle(at);
      seen.push([outlineStyle === "none" ? "" : outlineWidth, boxShadow, borderTopColor].join());
    }
    return seen.join(" ");
  };
  const place = (node) => {
    const { left, right, top, bottom } = node.getBoundingClientRect();
    return { left, right, top: top + scrollY, bottom: bottom + scrollY };
  };
  // To what is above or below the browser scrolls by itself.
  const aside = ({ left, right, top, bottom }) => right <= 0 || left >= innerWidth || bottom <= 0 || right - left < 1 || bottom - top < 1;

  let done = false; // it has come around
  const note = (event) => {
    const node = event.composedPath()[0];
    const last = reached.at(-1);
    if (done || node === last) return; // a focusin is heard once in each tree
    done = node === reached[0];
    if (done || reached.includes(node)) return;
    focused.set(node, looks(node));
    if (aside(place(node))) problems.push(`is out of sight: ${called(node)}`);
    if (last && last.getRootNode() === node.getRootNode() && !(last.compareDocumentPosition(node) & Node.DOCUMENT_POSITION_FOLLOWING)) problems.push(`comes after ${called(last)}: ${called(node)}`);
    if (last && !pinned(node) && !pinned(last)) {
      const [was, is] = [place(last), place(node)];
      if (is.bottom <= was.top + 1 && is.left < was.right - 1) problems.push(`is above ${called(last)}: ${called(node)}`);
    }
    reached.push(node);
  };

  // From the start, wherever the keyboard was.
  const start = document.createElement("a");
  start.tabIndex = -1;
  (modal ?? document.body).prepend(start);
  start.focus();
  start.remove();
  scrollTo(0, 0);
  // Of what moves within a shadow tree the document hears nothing.
  const trees = [document, ...within(document.body).map((node) => node.shadowRoot).filter(Boolean)];
  for (const tree of trees) tree.addEventListener("focusin", note, true);

  const missed = () => {
    const radios = new Set(reached.filter(({ type }) => type === "radio").map(({ name }) => name));
    return stops.filter((node) => node.tabIndex >= 0 && !reached.includes(node) && !(node.type === "radio" && radios.has(node.name)));
  };
  globalThis.__keyboard = {
    left: () => missed().length,
    end() {
      for (const tree of trees) tree.removeEventListener("focusin", note, true);
      for (const tree of trees) tree.activeElement?.blur();
      for (const [node, look] of focused) if (node.isConnected && looks(node) === look) problems.push(`does not show it: ${called(node)}`);
      return [...problems, ...missed().map((node) => `is not reached: ${called(node)}`)];
    },
  };
  return stops.length;
}
