// What people read, in one file per language. English is in the script.

import english from "./texts/en.json";

/** The languages there are besides English, each in texts/LANG.json. */
export const LANGUAGES = ["de"];

/** The language of LANGUAGES, or "en", for a tag such as "de-AT". */
export function languageOf(tag) {
  const [short] = String(tag).toLowerCase().split("-");
  return LANGUAGES.includes(short) ? short : "en";
}

const loaded = {};

/** Texts of a language, fetched from the server once. English stands in for what cannot be fetched. */
export async function textsOf(server, language) {
  if (language === "en") return new Texts(language, english);
  loaded[server + language] ??= fetch(`${server}comments/texts/${language}.json`, { credentials: "omit" }).then((answer) => (answer.ok ? answer.json() : Promise.reject()));
  try {
    return new Texts(language, { ...english, ...await loaded[server + language] });
  } catch {
    delete loaded[server + language];
    return new Texts("en", english);
  }
}

const STEPS = [["year", 31_557_600], ["month", 2_629_800], ["week", 604_800], ["day", 86_400], ["hour", 3600], ["minute", 60]];

export class Texts {
  constructor(language, words) {
    this.language = language;
    this.words = words;
    this.plurals = new Intl.PluralRules(language);
    this.numbers = new Intl.NumberFormat(language);
    this.spans = new Intl.RelativeTimeFormat(language, { numeric: "auto" });
    this.dates = new Intl.DateTimeFormat(language, { dateStyle: "long", timeStyle: "short" });
  }

  has(key) {
    return key in this.words;
  }

  /** The text of a key; values stand in for {name}, and n chooses among plural forms. */
  say(key, values = {}) {
    let text = this.words[key] ?? key;
    if (typeof text === "object") text = (values.n === 0 && text.zero) || (text[this.plurals.select(values.n)] ?? text.other);
    return text.replace(/\{(\w+)\}/g, (whole, name) => (name === "n" ? this.numbers.format(values.n) : values[name] ?? whole));
  }

  /** How long ago, or in how long: "5 minutes ago". Seconds are told only of what is to come. */
  span(time) {
    const seconds = (time - Date.now()) / 1000;
    for (const [unit, length] of STEPS) {
      if (Math.abs(seconds) >= length) return this.spans.format(Math.trunc(seconds / length), unit);
    }
    return this.spans.format(seconds > 1 ? Math.ceil(seconds) : 0, "second");
  }

  date(time) {
    return this.dates.format(time);
  }
}
