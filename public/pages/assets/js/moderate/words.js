// How things are called on the page of moderators.

export const views = {
  pending: { title: "Waiting", none: "Nothing waits for a decision." },
  flagged: { title: "Flagged", none: "Readers have flagged nothing that is published." },
  published: { title: "Published", none: "Nothing is published yet." },
  rejected: { title: "Rejected", none: "Nothing was rejected." },
  deleted: { title: "Deleted", none: "Nothing was deleted." },
  all: { title: "All comments", none: "Nobody has written anything yet." },
  bans: { title: "Bans" },
  log: { title: "Log of decisions" },
  settings: { title: "Settings" },
};

export const states = { pending: "Waiting", published: "Published", rejected: "Rejected", deleted: "Deleted" };

/** Why the filter kept a comment back, where its own word does not say it. */
export const reasons = { moderation: "every comment waits", honeypot: "the hidden field for machines was filled in" };

/** What was done to comments, for sentences such as "Approved 3 comments". */
export const done = { approve: "Approved", reject: "Rejected", delete: "Deleted", restore: "Published", pin: "Pinned", unpin: "Unpinned", unflag: "Dismissed the flags of" };

/** What somebody did, in the log. */
export const decided = {
  approve: "approved a comment", reject: "rejected a comment", delete: "deleted a comment", restore: "published a rejected comment",
  pin: "pinned a comment", unpin: "unpinned a comment", unflag: "dismissed flags", ban: "banned", unban: "lifted the ban of",
  lock: "locked the page", unlock: "unlocked the page", settings: "changed settings", erase: "erased what is known of", "sign-in": "signed in",
};

export const count = (n, one, many = `${one}s`) => `${number.format(n)} ${n === 1 ? one : many}`;
export const number = new Intl.NumberFormat();

const clock = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
const relative = new Intl.RelativeTimeFormat(undefined, { numeric: "auto" });
const steps = [[60, "second", 1], [3600, "minute", 60], [86_400, "hour", 3600], [2_592_000, "day", 86_400], [31_536_000, "month", 2_592_000], [Infinity, "year", 31_536_000]];

/** A time in full. */
export const fullTime = (at) => clock.format(at);

/** A time as seen from now. */
export function fromNow(at, now = Date.now()) {
  const seconds = Math.round((at - now) / 1000);
  if (Math.abs(seconds) < 10) return "now";
  const [, unit, size] = steps.find(([limit]) => Math.abs(seconds) < limit);
  return relative.format(Math.round(seconds / size), unit);
}

/** The beginning of a text, on one line. */
export function excerpt(text, most = 90) {
  const line = text.replace(/\s+/g, " ").trim();
  return line.length > most ? `${line.slice(0, most).trimEnd()}…` : line;
}
