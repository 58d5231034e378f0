// The way in: by name and password, by a one-time link, or where a site is open to try.

import { byId } from "../dom.js";
import { browser } from "../visitor.js";
import { send } from "./line.js";

const SITES = "sockeye.moderate.sites";

/** The sites that this browser has moderated, the last one first. */
export function knownSites() {
  try {
    const sites = JSON.parse(browser.get(SITES) ?? "[]");
    return Array.isArray(sites) ? sites.filter((site) => typeof site === "string") : [];
  } catch {
    return [];
  }
}

export function rememberSite(site) {
  browser.set(SITES, JSON.stringify([site, ...knownSites().filter((other) => other !== site)].slice(0, 20)));
}

export class Gate {
  /** enter(site) is called when the browser has a session. */
  constructor(enter) {
    this.enter = enter;
    this.#form("sign-in", "in", () => this.#signIn());
    this.#form("setup", "up", () => this.#setUp());
    byId("try")?.addEventListener("click", () => this.#attempt("in", async () => {
      await send("demo", "try");
      return "demo";
    }));
  }

  #form(id, prefix, attempt) {
    byId(id).addEventListener("submit", (event) => {
      event.preventDefault();
      this.#attempt(prefix, attempt);
    });
  }

  async #attempt(prefix, attempt) {
    const problem = byId(`${prefix}-problem`);
    problem.textContent = "";
    byId(`${prefix}-send`).disabled = true;
    try {
      const site = await attempt();
      byId("gate").hidden = true;
      this.enter(site);
    } catch (error) {
      problem.textContent = error.message;
    } finally {
      byId(`${prefix}-send`).disabled = false;
    }
  }

  async #signIn() {
    const [site, name, password] = filled("in-site", "in-name", "in-password");
    await send(site, "login", { name, password });
    byId("in-password").value = "";
    return site;
  }

  async #setUp() {
    const [site, name, password, again] = filled("up-site", "up-name", "up-password", "up-again");
    if (password !== again) throw new Error("The two passwords are not the same.");
    await send(site, "setup", { link: this.link, name, password });
    history.replaceState(null, "", `moderate?site=${encodeURIComponent(site)}`); // the link is used
    return site;
  }

  /** Shows the form of those who have an account. */
  show(site, reason = "") {
    byId("gate").hidden = byId("sign-in").hidden = false;
    byId("setup").hidden = true;
    byId("in-site").value = site;
    const open = byId("try");
    if (open) open.parentElement.hidden = site !== "" && site !== "demo"; // not for who comes for a site of their own
    byId("in-problem").textContent = reason;
    byId(site ? "in-name" : "in-site").focus();
  }

  /** Shows the form of those who have a one-time link. */
  showSetup(link, site) {
    this.link = link;
    byId("gate").hidden = byId("setup").hidden = false;
    byId("sign-in").hidden = true;
    byId("up-site").value = site;
    byId("up-site-row").hidden = Boolean(site);
    byId("up-problem").textContent = link ? "" : "The link is not whole: there is nothing after #.";
    byId(site ? "up-name" : "up-site").focus();
  }
}

function filled(...ids) {
  return ids.map((id) => {
    const field = byId(id);
    const value = field.type === "password" ? field.value : field.value.trim();
    if (value) return value;
    field.focus();
    throw new Error(`${document.querySelector(`label[for="${id}"]`).textContent} is empty.`);
  });
}
