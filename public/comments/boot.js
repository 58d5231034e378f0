// The script that a page loads: it places the comments where its tag says, and is
// window.SockeyeComments for pages that place them themselves.

import { count } from "./counts.js";
import { define } from "./element.js";

const script = document.currentScript;

const api = (window.SockeyeComments ??= {
  /**
   * Places comments in an element, or the first of a selector, and returns them. Options are those of
   * the tag's data attributes: site, page, server, theme, lang, sort, title, url, and token, which may be a
   * function that returns one or a promise of one.
   */
  mount(target, options = {}) {
    const host = document.createElement("sockeye-comments");
    host.options = { ...options };
    (typeof target === "string" ? document.querySelector(target) : target).append(host);
    return host;
  },

  /** Fills [data-sockeye-count] below a node, for pages that changed. */
  counts(root = document, options = {}) {
    return count(root, { ...api.defaults, ...options });
  },
});

const serverOf = ({ dataset, src }) => new URL(dataset.server ?? ".", src).href.replace(/\/?$/, "/");

// Where a tag wants its comments: at a place that it names, or after itself.
function place(tag) {
  const { target, manual, page, site, theme, lang, sort, token, title, url, poll } = tag.dataset;
  const from = serverOf(tag);
  api.defaults ??= { server: from, site, lang };
  if (document.querySelector("[data-sockeye-count]")) api.counts(document, { server: from, site });
  if (manual !== undefined) return;
  if (!site) return console.error("Sockeye comments: the script tag needs data-site, the name of the site.");
  const host = document.createElement("sockeye-comments");
  host.options = { server: from, site, page, theme, lang, sort, token, title, url, poll };
  const there = target && document.querySelector(target);
  if (target && !there) console.error(`Sockeye comments: there is no ${target} on this page.`);
  else if (there) there.append(host);
  else if (tag.closest("head")) document.body.append(host);
  else tag.after(host);
}

if (script) {
  define(serverOf(script));
  if (document.readyState === "loading") addEventListener("DOMContentLoaded", () => place(script));
  else place(script);
}
dispatchEvent(new Event("sockeye-comments")); // for pages that wait for the script
