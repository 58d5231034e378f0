// What has been measured: the last reading of each key, and the points of those that are
// drawn.

/** How many points of a key are kept: five minutes of one a second. */
const POINTS = 320;

/** The key of a metric of a device. */
export const keyOf = (device, metric) => `${device}\n${metric}`;

/** Whether a device is a server's own. */
export const isOwn = (device) => device === "sockeye" || device.startsWith("sockeye:");

const natural = new Intl.Collator(undefined, { numeric: true });
export const compare = (a, b) => natural.compare(a.device, b.device) || natural.compare(a.metric, b.metric);

export class Store {
  /** Entries by key: {device, metric, unit, value, time, heard, kind, drawn, points: [[seconds, value], ...]}. */
  entries = new Map();
  /** Counts the times that a key came. */
  generation = 0;

  /** Takes readings as the server sends them. */
  take(readings) {
    const heard = Date.now();
    for (const { device, metric, unit = "", value, time } of readings) {
      const key = keyOf(device, metric);
      let entry = this.entries.get(key);
      if (!entry) {
        entry = { device, metric, own: isOwn(device), points: [] };
        this.entries.set(key, entry);
        this.generation += 1;
      }
      if (entry.time > time) continue;
      Object.assign(entry, { unit, value, time, heard, kind: kindOf(value) });
      if (entry.drawn) push(entry.points, time / 1000, value);
    }
  }

  /** Says which entries are drawn: of the others no points are kept. Returns those that are new. */
  draw(entries) {
    const wanted = new Set(entries);
    for (const entry of this.entries.values()) {
      if (!entry.drawn || wanted.has(entry)) continue;
      entry.drawn = false;
      entry.points = [];
    }
    return entries.filter((entry) => {
      const fresh = !entry.drawn;
      entry.drawn = true;
      return fresh;
    });
  }

  /** Puts what the server has kept of a key before what came since. */
  backfill({ device, metric, points }) {
    const entry = this.entries.get(keyOf(device, metric));
    if (!entry?.drawn) return;
    const known = new Set(entry.points.map(([at]) => at));
    const old = points.map(([at, value]) => [at / 1000, value]).filter(([at, value]) => typeof value === "number" && !known.has(at));
    entry.points = [...old, ...entry.points].sort(([a], [b]) => a - b).slice(-POINTS);
  }

  /** All entries that pass a test, in order. */
  list(test = () => true) {
    return [...this.entries.values()].filter(test).sort(compare);
  }
}

function push(points, at, value) {
  const last = points.at(-1);
  if (last && last[0] >= at) {
    last[1] = value;
    return;
  }
  points.push([at, value]);
  if (points.length > POINTS) points.shift();
}

function kindOf(value) {
  if (typeof value === "number") return "number";
  if (value && typeof value === "object") return "lat" in value ? "position" : "place";
  return "state";
}

const plain = new Intl.NumberFormat(undefined, { maximumFractionDigits: 2 });

/** A value for people, with its unit. */
export function shown(value, unit = "") {
  if (typeof value === "number") return unit ? `${plain.format(value)}\u00a0${unit}` : plain.format(value);
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (value && typeof value === "object") {
    const [a, b] = "lat" in value ? [value.lat, value.lon] : [value.x, value.y];
    return `${a.toFixed(4)}, ${b.toFixed(4)}`;
  }
  return String(value);
}

/** How long ago something was, in words. */
export function ago(heard, now = Date.now()) {
  const seconds = Math.round((now - heard) / 1000);
  if (seconds < 3) return "now";
  if (seconds < 60) return `${seconds} s ago`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  return `${Math.floor(seconds / 3600)} h ago`;
}
