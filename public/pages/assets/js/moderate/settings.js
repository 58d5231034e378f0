// The settings of a site, in a form. What the server refuses is said at the field it is about.

import { byId, el } from "../dom.js";
import { ask, sentence } from "./line.js";

// kind: check, number, text, lines (a list, one a line), words (a list on one line), or choices.
const groups = [
  ["Who may write, and when it is seen", [
    ["guests", "Guests may write", "check", "Readers without an account of the site, by a name of their choice."],
    ["moderation", "New comments are seen", { post: "at once", pre: "after a moderator has approved them", "trusted-first": "at once from those who are trusted, others after approval" }],
    ["trustAfter", "Trusted after so many published comments", "number", "0 is 1."],
    ["signInURL", "Where readers sign in", "text", "A page of the site; empty where there is none."],
    ["readOnlyAfter", "Pages are closed after so many days", "number", "0 is never."],
  ]],
  ["What a comment may be", [
    ["maxLength", "Characters at most", "number", "0 is 5,000."],
    ["maxDepth", "Levels of answers", "number", "1 to 20; 0 is 4."],
    ["editWindow", "Seconds in which authors may edit", "number"],
    ["reactions", "Reactions", "words", "Emoji, with a space between them, at most 12; empty for none."],
    ["votes", "Votes", { "up-down": "up and down", up: "up only", off: "none" }],
    ["images", "Show images", "check", "They load from other sites, which then know your readers."],
    ["viewers", "Show how many are reading", "check"],
    ["typing", "Show who is typing", "check"],
  ]],
  ["What is held back for a moderator", [
    ["flagThreshold", "Flags that hold a comment", "number", "0 is never."],
    ["minTime", "Seconds on the page before the first comment", "number", "0 is none."],
    ["maxLinks", "Links at most", "number", "0 is any number."],
    ["holdWords", "Words that hold", "lines", "Whole words, one a line."],
    ["holdLinks", "Hosts that hold", "lines", "One a line, with all hosts below them."],
    ["holdPatterns", "Patterns that hold", "lines", "Regular expressions (RE2), one a line."],
  ]],
  ["What is rejected at once", [
    ["rejectWords", "Words that reject", "lines", "Whole words, one a line."],
    ["rejectLinks", "Hosts that reject", "lines", "One a line, with all hosts below them."],
    ["rejectPatterns", "Patterns that reject", "lines", "Regular expressions (RE2), one a line."],
  ]],
  ["What is kept and told", [
    ["retention", "Days that comments are kept", "number", "0 is for good."],
    ["hookURL", "Where each new comment is told", "text", "An address of yours that takes a signed POST; empty for none."],
  ]],
];

const lists = { lines: "\n", words: " " };

export class Settings {
  #fields = new Map(); // by name: {input, problem, kind}
  #known = {}; // as the server has them

  constructor(desk) {
    this.desk = desk;
    byId("settings-form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#save();
    });
  }

  async open() {
    try {
      const site = await ask(this.desk.socket, "site");
      if (!this.#fields.size) this.#build();
      byId("settings-origins").replaceChildren(...site.origins.map((origin) => el("li", { text: origin })));
      this.#fill(site.settings);
    } catch (error) {
      this.desk.problem(error);
    }
  }

  #build() {
    byId("settings-form").append(
      ...groups.map(([name, fields]) => el("fieldset", { class: "card" }, el("legend", { text: name }), ...fields.map((field) => this.#field(...field)))),
      el("section", { class: "card", "aria-labelledby": "origins-title" }, el("h2", { id: "origins-title", text: "Origins" }),
        el("p", { class: "hint", text: "Pages of these may show the comments. They are changed on the server, by sockeye comments site." }),
        el("ul", { id: "settings-origins", class: "origins", role: "list", "aria-labelledby": "origins-title" })),
      el("div", { class: "settings-foot" }, el("button", { class: "button", text: "Save" }), el("p", { class: "hint", id: "settings-state", role: "status" }), el("p", { class: "problem", id: "settings-problem", role: "alert" })));
  }

  #field(name, label, kind, hint = "") {
    const id = `set-${name}`;
    const problem = el("p", { class: "problem", id: `${id}-problem`, role: "alert" });
    const about = hint ? el("p", { class: "hint", id: `${id}-hint`, text: hint }) : null;
    const common = { id, name, "aria-describedby": `${hint ? `${id}-hint ` : ""}${id}-problem` };
    let input;
    if (typeof kind === "object") input = el("select", { class: "field", ...common }, ...Object.entries(kind).map(([value, text]) => el("option", { value, text })));
    else if (kind === "check") input = el("input", { type: "checkbox", ...common });
    else if (kind === "lines") input = el("textarea", { class: "field mono", rows: 4, spellcheck: false, ...common });
    else input = el("input", { class: `field ${kind === "number" ? "short" : ""}`, type: "text", autocomplete: "off", spellcheck: false, ...common, inputMode: kind === "number" ? "numeric" : "text" });
    this.#fields.set(name, { input, problem, kind });
    input.addEventListener("input", () => { byId("settings-state").textContent = ""; });
    if (kind === "check") return el("div", { class: "setting" }, el("label", { class: "check" }, input, ` ${label}`), about, problem);
    return el("div", { class: "setting" }, el("label", { class: "label", htmlFor: id, text: label }), about, input, problem);
  }

  #fill(settings) {
    this.#known = settings;
    for (const [name, { input, kind }] of this.#fields) {
      const value = settings[name];
      if (kind === "check") input.checked = Boolean(value);
      else if (lists[kind]) input.value = (value ?? []).join(lists[kind]);
      else if (typeof kind === "object") input.value = value || Object.keys(kind)[0];
      else input.value = value ?? "";
    }
  }

  // What the form says, or an Error at a field.
  #read(name) {
    const { input, kind } = this.#fields.get(name);
    if (kind === "check") return input.checked;
    if (kind === "lines") return input.value.split("\n").map((line) => line.trim()).filter(Boolean);
    if (kind === "words") return input.value.split(/\s+/).filter(Boolean);
    const text = input.value.trim();
    if (kind !== "number") return text;
    if (!/^\d{0,9}$/.test(text)) throw Object.assign(new Error("A whole number, please."), { field: name });
    return Number(text);
  }

  // Sends what has changed, and nothing else: two may edit at once.
  async #save() {
    this.#clear();
    try {
      const settings = {};
      for (const name of this.#fields.keys()) {
        const value = this.#read(name);
        const known = this.#known[name] ?? (Array.isArray(value) ? [] : "");
        if (JSON.stringify(value) !== JSON.stringify(known) && !(this.#fields.get(name).kind instanceof Object && !known && value === Object.keys(this.#fields.get(name).kind)[0])) settings[name] = value;
      }
      if (!Object.keys(settings).length) {
        byId("settings-state").textContent = "Nothing has changed.";
        return;
      }
      const answer = await ask(this.desk.socket, "settings", { settings });
      this.#fill(answer.settings);
      byId("settings-state").textContent = "Saved.";
    } catch (error) {
      this.#blame(error);
    }
  }

  #clear() {
    byId("settings-problem").textContent = byId("settings-state").textContent = "";
    for (const { input, problem } of this.#fields.values()) {
      input.removeAttribute("aria-invalid");
      problem.textContent = "";
    }
  }

  // What is wrong is said as "holdPatterns[1]: missing closing )", or with the field beside it.
  #blame({ field = "", said = "", message }) {
    const [, named = "", line = "", what = ""] = /^(\w+)(?:\[(\d+)\])?:? (.*)$/s.exec(said) ?? [];
    const name = [field, named].find((one) => this.#fields.has(one));
    if (!name) {
      byId("settings-problem").textContent = message;
      return;
    }
    const { input, problem } = this.#fields.get(name);
    const about = name === named ? sentence(what) : message;
    problem.textContent = line ? `Line ${Number(line) + 1}: ${about}` : about;
    input.setAttribute("aria-invalid", "true");
    input.focus();
  }
}
