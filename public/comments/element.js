// <sockeye-comments site="blog" page="/post-1">: an area that starts when it comes near.

import { Area } from "./area.js";
import sheet from "./style.css";
import { languageOf } from "./texts.js";

const NEAR = "600px 0px"; // around the window
let style;

/** The key of the page that a browser shows: its canonical address without the host. */
export function thisPage() {
  const { pathname, search } = new URL(document.querySelector("link[rel=canonical]")?.href ?? location.pathname, location.href);
  return pathname + search;
}

const text = (name) => (host) => host.options[name] ?? host.getAttribute(name) ?? undefined;
const OPTIONS = Object.fromEntries(["server", "site", "page", "sort", "lang", "token", "theme", "poll"].map((name) => [name, text(name)]));

/** Defines the element; server is where the script came from. */
export function define(server) {
  class SockeyeComments extends HTMLElement {
    static observedAttributes = ["page", "theme"];
    options = {};
    #area = null;
    #watch = null;
    #dark = matchMedia("(prefers-color-scheme: dark)");

    connectedCallback() {
      if (!this.shadowRoot) {
        style ??= new CSSStyleSheet();
        style.replaceSync(sheet);
        this.attachShadow({ mode: "open" }).adoptedStyleSheets = [style];
      }
      this.#dark.addEventListener("change", this.#dress);
      this.#watch = new IntersectionObserver((entries) => entries.some(({ isIntersecting }) => isIntersecting) && this.start(), { rootMargin: NEAR });
      this.#watch.observe(this);
      if (location.hash.startsWith("#comment-")) this.start();
    }

    disconnectedCallback() {
      this.#dark.removeEventListener("change", this.#dress);
      this.#watch.disconnect();
      this.#area?.close();
      this.#area = null;
      this.shadowRoot.replaceChildren();
    }

    attributeChangedCallback(name, _, value) {
      if (name === "theme") this.#dress();
      else if (value) this.page(value);
    }

    /** Loads and shows the comments, without waiting until they are near. */
    async start() {
      if (this.#area) return;
      this.#watch.disconnect();
      const option = (name, other) => OPTIONS[name](this) || other;
      const sort = option("sort");
      this.#area = new Area(this.shadowRoot, {
        ...this.options,
        server: new URL(option("server", server), location.href).href,
        site: option("site"),
        page: option("page", thisPage()),
        sort: ["oldest", "top"].includes(sort) ? sort : "newest",
        lang: languageOf(option("lang", document.documentElement.lang)),
        token: option("token"),
        poll: Number(option("poll")),
      });
      await this.#area.open();
      this.#dress();
    }

    // Auto is as the text around it: dark where that is light.
    #dress = () => {
      const frame = this.shadowRoot?.querySelector(".area");
      if (!frame) return;
      let theme = OPTIONS.theme(this);
      if (theme !== "light" && theme !== "dark") {
        const [r, g, b] = getComputedStyle(this.parentElement ?? document.body).color.match(/^rgb\((\d+), (\d+), (\d+)/)?.slice(1) ?? [];
        const light = r === undefined ? this.#dark.matches : 0.299 * r + 0.587 * g + 0.114 * b > 140;
        theme = light ? "dark" : "light";
      }
      frame.dataset.theme = theme;
    };

    /** Shows the comments of another page. */
    page(key) {
      this.options.page = key;
      this.#area?.show(key);
    }

    /** Signs in with a token of the site, or a function that returns one; null signs out. */
    token(token) {
      this.options.token = token;
      return this.#area?.live.setToken(token);
    }

    /** "light", "dark" or "auto". */
    theme(theme) {
      this.options.theme = theme;
      this.#dress();
    }

    destroy() {
      this.remove();
    }
  }
  if (!customElements.get("sockeye-comments")) customElements.define("sockeye-comments", SockeyeComments);
}
