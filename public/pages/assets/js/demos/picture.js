// A picture of strokes that several pages have, and merge: what is drawn twice is there
// once, whatever came first.

const MOST = 3_000; // strokes; the oldest go first
const PART = 12_000; // numbers in a part of a snapshot: far below what a message may be

const color = /^#[0-9a-f]{6}$/;

export class Picture {
  width = 1600;
  height = 1000;
  epoch = 0; // of the last clear: strokes of earlier ones are gone
  #strokes = new Map(); // by id, in the order of drawing: {id, color, width, points}
  #removed = new Set(); // ids that somebody took back
  #canvas;
  #pen;

  constructor(canvas) {
    this.#canvas = canvas;
    this.#pen = canvas.getContext("2d");
    new ResizeObserver(() => this.#fit()).observe(canvas);
    this.#fit();
  }

  get size() {
    return this.#strokes.size;
  }

  has(id) {
    return this.#strokes.has(id);
  }

  /** How many numbers a stroke has, two for each point. */
  length(id) {
    return this.#strokes.get(id)?.points.length ?? 0;
  }

  /** The numbers of a stroke from one on. */
  points(id, from) {
    return this.#strokes.get(id)?.points.slice(from) ?? [];
  }

  /** Where in the picture an event of the pointer is. */
  at(event) {
    const box = this.#canvas.getBoundingClientRect();
    const within = (part, whole) => Math.round(Math.min(1, Math.max(0, part)) * whole);
    return [within((event.clientX - box.left) / box.width, this.width), within((event.clientY - box.top) / box.height, this.height)];
  }

  begin({ id, color, width }) {
    this.#strokes.set(id, { id, color, width, points: [] });
    while (this.#strokes.size > MOST) this.#strokes.delete(this.#strokes.keys().next().value);
  }

  /** Puts numbers into a stroke, where they belong, and draws what is new. */
  extend(id, at, points) {
    const stroke = this.#strokes.get(id);
    if (!stroke) return;
    points.forEach((value, i) => { stroke.points[at + i] = value; });
    this.#draw(stroke, Math.max(0, at - 2), at + points.length);
  }

  remove(id) {
    this.#removed.add(id);
    if (this.#strokes.delete(id)) this.#redraw();
  }

  clear(epoch) {
    if (!(epoch > this.epoch)) return;
    this.epoch = epoch;
    this.#strokes.clear();
    this.#removed.clear();
    this.#redraw();
  }

  /** What there is, in parts. */
  parts() {
    const parts = [{ epoch: this.epoch, strokes: [] }];
    let numbers = 0;
    for (const { id, color, width, points } of this.#strokes.values()) {
      numbers += points.length + 8;
      if (numbers > PART) {
        parts.push({ epoch: this.epoch, strokes: [] });
        numbers = points.length;
      }
      parts.at(-1).strokes.push({ id, color, width, at: 0, points: Array.from(points, (value) => value ?? null) });
    }
    return parts;
  }

  /** Takes what another page has. It is looked at: pages believe nobody. */
  merge({ epoch, strokes }) {
    if (!Number.isFinite(epoch) || epoch < this.epoch || !Array.isArray(strokes)) return;
    this.clear(epoch);
    for (const { id, color: ink, width, at, points } of strokes) {
      const fits = typeof id === "string" && color.test(ink) && width > 0 && width <= 100 && at >= 0 && at < 1e5 && Array.isArray(points) && points.length < 1e5;
      if (!fits || this.#removed.has(id)) continue;
      if (!this.#strokes.has(id)) this.begin({ id, color: ink, width });
      const known = this.#strokes.get(id).points;
      this.extend(id, at, points.map((value, i) => (Number.isFinite(value) ? value : known[at + i])));
    }
  }

  #fit() {
    const ratio = Math.min(2, devicePixelRatio || 1);
    const width = Math.round(this.#canvas.clientWidth * ratio) || this.width;
    if (this.#canvas.width === width) return;
    this.#canvas.width = width;
    this.#canvas.height = Math.round((width * this.height) / this.width);
    this.#redraw();
  }

  #redraw() {
    this.#pen.setTransform(1, 0, 0, 1, 0, 0);
    this.#pen.fillStyle = "#fffdf8";
    this.#pen.fillRect(0, 0, this.#canvas.width, this.#canvas.height);
    for (const stroke of this.#strokes.values()) this.#draw(stroke, 0, stroke.points.length);
  }

  // Draws the lines between some of the points of a stroke; what has not come yet is a gap.
  #draw({ color: ink, width, points }, from, to) {
    const pen = this.#pen;
    const scale = this.#canvas.width / this.width;
    pen.setTransform(scale, 0, 0, scale, 0, 0);
    Object.assign(pen, { strokeStyle: ink, lineWidth: width, lineCap: "round", lineJoin: "round" });
    pen.beginPath();
    let drawing = false;
    for (let i = from - (from % 2); i + 1 < to; i += 2) {
      const there = points[i] !== undefined && points[i + 1] !== undefined;
      if (there && drawing) pen.lineTo(points[i], points[i + 1]);
      else if (there) {
        pen.moveTo(points[i], points[i + 1]);
        pen.lineTo(points[i], points[i + 1]); // one point is a dot
      }
      drawing = there;
    }
    pen.stroke();
  }
}
