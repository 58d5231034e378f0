// Where things are, on a canvas: no tiles, no names of places, only distances.

import { shown } from "./store.js";

const TRAIL = 60; // points of a track
const CROWD = 50; // more than so many do not glide, and have short tails
const EARTH = 111_320; // metres of a degree of latitude

const names = ["--water", "--line", "--surface", "--ink", "--line-0", "--line-1", "--line-2", "--line-3", "--line-4"];

/** The colours of this moment, by name. */
function colours() {
  const all = getComputedStyle(document.documentElement);
  return Object.fromEntries(names.map((name) => [name, all.getPropertyValue(name).trim()]));
}

export class Map2D {
  #tracks = new Map(); // by device: {from, to, at, trail, entry}
  #still = matchMedia("(prefers-reduced-motion: reduce)");
  #colours = colours();
  #box = null; // what is shown: {x, y, width, height}, in metres or units

  constructor(canvas, scale) {
    this.canvas = canvas;
    this.scale = scale;
    this.context = canvas.getContext("2d");
    this.resize = new ResizeObserver(() => this.draw());
    this.resize.observe(canvas);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
      this.#colours = colours();
      this.draw();
    });
  }

  /** Takes the entries of positions; reports whether there are any. */
  take(entries) {
    const onEarth = entries.some(({ kind }) => kind === "position");
    const shownOnes = entries.filter(({ kind }) => kind === (onEarth ? "position" : "place"));
    this.onEarth = onEarth;
    this.narrow ??= onEarth ? Math.cos((shownOnes[0].value.lat * Math.PI) / 180) : undefined; // of a degree of longitude, here
    for (const [i, entry] of shownOnes.entries()) {
      const { value, time } = entry;
      const to = this.#place(value);
      const track = this.#tracks.get(entry.device);
      if (!track) {
        this.#tracks.set(entry.device, { from: to, to, begun: performance.now(), time, took: 1000, trail: [to], entry, line: i % 5 });
      } else if (track.time !== time) {
        Object.assign(track, { from: this.#now(track), to, begun: performance.now(), took: Math.min(Math.max(time - track.time, 100), 3000), time, entry });
        track.trail.push(to);
        if (track.trail.length > TRAIL) track.trail.shift();
      }
    }
    this.#frameAll();
    return shownOnes.length > 0;
  }

  /** Puts where something was before its track. */
  seed({ device, points }) {
    const track = this.#tracks.get(device);
    if (!track || track.trail.length > 3) return;
    const old = points.filter(([at]) => at < track.time).map(([, value]) => this.#place(value)).filter(Boolean);
    track.trail = [...old, ...track.trail].slice(-TRAIL);
    this.draw();
  }

  #place(value) {
    if (this.onEarth) return "lat" in value ? [value.lon * EARTH * this.narrow, value.lat * EARTH] : null;
    return "x" in value ? [value.x, value.y] : null;
  }

  /** Says in words what the picture shows. */
  describe() {
    const words = [...this.#tracks.values()].slice(0, 20).map(({ entry }) => `${entry.device} at ${shown(entry.value)}`);
    this.canvas.setAttribute("aria-label", `Map of ${this.#tracks.size} positions: ${words.join("; ")}.`);
  }

  /** Whether it should be drawn on every frame. */
  get moves() {
    return this.#tracks.size > 0 && this.#tracks.size <= CROWD && !this.#still.matches;
  }

  #now({ from, to, begun, took }) {
    if (this.#still.matches || this.#tracks.size > CROWD) return to;
    const part = Math.min((performance.now() - begun) / took, 1);
    return [from[0] + (to[0] - from[0]) * part, from[1] + (to[1] - from[1]) * part];
  }

  // The frame grows with what is in it, and never shrinks: it would be restless.
  #frameAll() {
    const box = this.#box ?? { left: Infinity, right: -Infinity, bottom: Infinity, top: -Infinity };
    for (const { to: [x, y] } of this.#tracks.values()) {
      box.left = Math.min(box.left, x);
      box.right = Math.max(box.right, x);
      box.bottom = Math.min(box.bottom, y);
      box.top = Math.max(box.top, y);
    }
    this.#box = box;
  }

  draw() {
    const { canvas, context } = this;
    const width = canvas.clientWidth;
    const height = canvas.clientHeight;
    if (!width || !this.#tracks.size) return;
    const dense = devicePixelRatio || 1;
    if (canvas.width !== Math.round(width * dense) || canvas.height !== Math.round(height * dense)) {
      canvas.width = Math.round(width * dense);
      canvas.height = Math.round(height * dense);
    }
    context.setTransform(dense, 0, 0, dense, 0, 0);
    context.fillStyle = this.#colours["--water"];
    context.fillRect(0, 0, width, height);

    const { left, right, bottom, top } = this.#box;
    const least = this.onEarth ? 500 : 1e-6;
    const across = Math.max(right - left, least) * 1.25;
    const along = Math.max(top - bottom, least) * 1.25;
    const unit = Math.min(width / across, height / along); // pixels of a metre
    const place = ([x, y]) => [width / 2 + (x - (left + right) / 2) * unit, height / 2 - (y - (bottom + top) / 2) * unit];

    this.#grid(width, height, unit, place);
    const lines = names.slice(-5).map((name) => this.#colours[name]);
    for (const [device, track] of this.#tracks) {
      const here = this.#now(track);
      this.#trail(track, here, place, lines[track.line]);
      this.#boat(device, place(here), lines[track.line], width);
    }
  }

  #grid(width, height, unit, place) {
    const { context } = this;
    const step = roundStep(70 / unit);
    const [ox, oy] = place([0, 0]);
    context.strokeStyle = this.#colours["--line"];
    context.lineWidth = 1;
    context.beginPath();
    for (let x = ((ox % (step * unit)) + step * unit) % (step * unit); x < width; x += step * unit) {
      context.moveTo(Math.round(x) + 0.5, 0);
      context.lineTo(Math.round(x) + 0.5, height);
    }
    for (let y = ((oy % (step * unit)) + step * unit) % (step * unit); y < height; y += step * unit) {
      context.moveTo(0, Math.round(y) + 0.5);
      context.lineTo(width, Math.round(y) + 0.5);
    }
    context.stroke();
    const text = this.onEarth ? `A square is ${step >= 1000 ? `${step / 1000} km` : `${step} m`} wide.` : `A square is ${step} wide.`;
    if (this.scale.textContent !== text) this.scale.textContent = text;
  }

  #trail({ trail }, here, place, colour) {
    const { context } = this;
    context.strokeStyle = colour;
    context.lineWidth = 2;
    context.lineJoin = "round";
    if (this.#tracks.size > CROWD) {
      context.globalAlpha = 0.4;
      context.beginPath();
      for (const point of [...trail.slice(-8, -1), here]) context.lineTo(...place(point));
      context.stroke();
      context.globalAlpha = 1;
      return;
    }
    const points = [...trail.slice(0, -1), here].map(place);
    for (let i = 1; i < points.length; i += 1) {
      context.globalAlpha = 0.55 * (i / points.length);
      context.beginPath();
      context.moveTo(...points[i - 1]);
      context.lineTo(...points[i]);
      context.stroke();
    }
    context.globalAlpha = 1;
  }

  #boat(device, [x, y], colour, width) {
    const { context } = this;
    context.fillStyle = colour;
    context.strokeStyle = this.#colours["--surface"];
    context.lineWidth = 2;
    context.beginPath();
    context.arc(x, y, this.#tracks.size > CROWD ? 4 : 6, 0, 2 * Math.PI);
    context.fill();
    context.stroke();
    if (this.#tracks.size > 12) return; // names would be on top of each other
    context.font = "600 12px system-ui, sans-serif";
    context.textBaseline = "middle";
    const text = device.replace(/^demo-/, "");
    const right = x + 12 + context.measureText(text).width < width;
    context.textAlign = right ? "left" : "right";
    context.lineWidth = 3;
    context.strokeStyle = this.#colours["--water"];
    context.strokeText(text, right ? x + 11 : x - 11, y);
    context.fillStyle = this.#colours["--ink"];
    context.fillText(text, right ? x + 11 : x - 11, y);
  }
}

// 1, 2 or 5 times a power of ten, not less than a value.
function roundStep(value) {
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 5, 10].map((n) => n * power).find((step) => step >= value) ?? 10 * power;
}
