// What the game looks like: water, flies and fish.

export const WIDTH = 1000;
export const HEIGHT = 640;

const still = matchMedia("(prefers-reduced-motion: reduce)");

export class River {
  #canvas;
  #pen;
  #rings = []; // of catches: {x, y, since}

  constructor(canvas) {
    this.#canvas = canvas;
    this.#pen = canvas.getContext("2d");
    new ResizeObserver(() => this.#fit()).observe(canvas);
  }

  #fit() {
    const width = Math.round(this.#canvas.clientWidth * Math.min(2, devicePixelRatio || 1)) || WIDTH;
    if (this.#canvas.width === width) return;
    this.#canvas.width = width;
    this.#canvas.height = Math.round((width * HEIGHT) / WIDTH);
  }

  /** Where in the river an event of the pointer is. */
  at(event) {
    const box = this.#canvas.getBoundingClientRect();
    return { x: ((event.clientX - box.left) / box.width) * WIDTH, y: ((event.clientY - box.top) / box.height) * HEIGHT };
  }

  splash({ x, y }) {
    this.#rings.push({ x, y, since: performance.now() / 1000 });
  }

  draw(now, flies, school) {
    const pen = this.#pen;
    const scale = this.#canvas.width / WIDTH;
    pen.setTransform(scale, 0, 0, scale, 0, 0);
    this.#water(still.matches ? 0 : now);
    for (const fly of flies) this.#fly(fly, still.matches ? 0 : now);
    this.#rings = this.#rings.filter(({ since }) => now - since < 0.7);
    for (const { x, y, since } of this.#rings) {
      pen.strokeStyle = `rgb(255 255 255 / ${0.8 - (now - since)})`;
      pen.lineWidth = 3;
      pen.beginPath();
      pen.arc(x, y, 10 + 60 * (now - since), 0, 7);
      pen.stroke();
    }
    for (const fish of school) this.#fish(fish, still.matches ? 0 : now);
    for (const fish of school) this.#label(fish);
  }

  #water(now) {
    const pen = this.#pen;
    const depth = pen.createLinearGradient(0, 0, 0, HEIGHT);
    depth.addColorStop(0, "#12686a");
    depth.addColorStop(0.5, "#0d5154");
    depth.addColorStop(1, "#0a3f44");
    pen.fillStyle = depth;
    pen.fillRect(0, 0, WIDTH, HEIGHT);
    pen.lineWidth = 2;
    pen.lineCap = "round";
    for (let i = 0; i < 26; i += 1) { // the current comes from the right
      const y = ((i * 97) % HEIGHT) + 8 * Math.sin(i + now * 0.6);
      const x = WIDTH + 200 - ((i * 331 + now * (40 + ((i * 13) % 40))) % (WIDTH + 400));
      pen.strokeStyle = `rgb(255 255 255 / ${0.05 + ((i * 7) % 5) / 60})`;
      pen.beginPath();
      pen.moveTo(x, y);
      pen.quadraticCurveTo(x + 50, y - 8, x + 110 + ((i * 29) % 60), y);
      pen.stroke();
    }
    pen.fillStyle = "rgb(217 200 160 / 22%)";
    for (let i = 0; i < 60; i += 1) { // gravel on both banks
      const top = i % 2;
      pen.beginPath();
      pen.ellipse((i * 173) % WIDTH, top ? (i * 7) % 16 : HEIGHT - ((i * 7) % 16), 10 + ((i * 5) % 14), 6 + ((i * 3) % 6), 0, 0, 7);
      pen.fill();
    }
  }

  // On a phone what swims is larger, or nobody would see it.
  get #size() {
    return this.#canvas.clientWidth < 520 ? 1.5 : 1;
  }

  #fly({ x, y, index }, now) {
    const pen = this.#pen;
    pen.save();
    pen.translate(x, y);
    pen.scale(this.#size, this.#size);
    const lift = 4 * Math.sin(now * 3 + index);
    const glow = pen.createRadialGradient(0, lift, 2, 0, lift, 26);
    glow.addColorStop(0, "rgb(255 226 150 / 75%)");
    glow.addColorStop(1, "rgb(255 226 150 / 0%)");
    pen.fillStyle = glow;
    pen.fillRect(-30, -34, 60, 68);
    const flap = 0.5 + 0.35 * Math.sin(now * 18 + index);
    pen.fillStyle = "rgb(255 255 255 / 80%)";
    for (const side of [-1, 1]) {
      pen.beginPath();
      pen.ellipse(side * 6, lift - 5, 8, 4 + 3 * flap, side * 0.7, 0, 7);
      pen.fill();
    }
    pen.fillStyle = "#3c2a12";
    pen.beginPath();
    pen.ellipse(0, lift, 3, 9, 0.3, 0, 7);
    pen.fill();
    pen.restore();
  }

  #fish({ x, y, angle = 0, hue, mine, moving, away }, now) {
    const pen = this.#pen;
    const beat = Math.sin(now * (moving ? 16 : 5)) * (moving ? 0.4 : 0.15);
    pen.save();
    pen.translate(x, y);
    pen.scale(this.#size, this.#size);
    if (Math.abs(angle) > Math.PI / 2) pen.scale(-1, 1); // never on its back
    pen.rotate(Math.abs(angle) > Math.PI / 2 ? Math.sign(angle || 1) * Math.PI - angle : angle);
    pen.globalAlpha = away ? 0.4 : 1;
    if (mine) {
      pen.strokeStyle = "rgb(255 255 255 / 55%)";
      pen.lineWidth = 2;
      pen.setLineDash([6, 7]);
      pen.beginPath();
      pen.ellipse(0, 0, 46, 32, 0, 0, 7);
      pen.stroke();
      pen.setLineDash([]);
    }
    const body = pen.createLinearGradient(0, -16, 0, 16);
    body.addColorStop(0, `hsl(${hue} 62% 44%)`);
    body.addColorStop(0.55, `hsl(${hue} 70% 58%)`);
    body.addColorStop(1, `hsl(${hue} 55% 82%)`);
    pen.fillStyle = `hsl(${hue} 62% 40%)`;
    pen.save();
    pen.translate(-24, 0);
    pen.rotate(beat);
    pen.beginPath();
    pen.moveTo(4, 0);
    pen.quadraticCurveTo(-12, -4, -20, -15);
    pen.quadraticCurveTo(-14, 0, -20, 15);
    pen.quadraticCurveTo(-12, 4, 4, 0);
    pen.fill();
    pen.restore();
    pen.beginPath();
    pen.moveTo(-4, -10);
    pen.quadraticCurveTo(2, -24, 14, -11);
    pen.fill();
    pen.fillStyle = body;
    pen.beginPath();
    pen.moveTo(34, 1);
    pen.bezierCurveTo(26, -15, 0, -18, -27, -3);
    pen.quadraticCurveTo(-30, 0, -27, 3);
    pen.bezierCurveTo(0, 17, 26, 14, 34, 1);
    pen.fill();
    pen.fillStyle = `hsl(${hue} 40% 30% / 75%)`; // the head is darker, as a sockeye's
    pen.beginPath();
    pen.moveTo(34, 1);
    pen.bezierCurveTo(30, -8, 23, -12, 15, -13);
    pen.quadraticCurveTo(10, 0, 16, 11);
    pen.bezierCurveTo(24, 10, 30, 7, 34, 1);
    pen.fill();
    pen.fillStyle = "#ffffff";
    pen.beginPath();
    pen.arc(23, -4, 3.6, 0, 7);
    pen.fill();
    pen.fillStyle = "#10292c";
    pen.beginPath();
    pen.arc(24, -4, 1.9, 0, 7);
    pen.fill();
    pen.restore();
  }

  #label({ x, y, name, mine, away }) {
    const pen = this.#pen;
    const size = Math.max(15, 12 / (this.#canvas.clientWidth / WIDTH || 1));
    pen.globalAlpha = away ? 0.6 : 1;
    pen.font = `600 ${size}px system-ui, sans-serif`;
    pen.textAlign = "center";
    const text = away ? `${name}${mine ? " (alone)" : " (away)"}` : name;
    const half = pen.measureText(text).width / 2 + 8;
    const at = Math.min(WIDTH - half, Math.max(half, x));
    const apart = 36 * this.#size;
    const base = y < 2 * apart ? y + apart + size : y - apart;
    pen.fillStyle = mine ? "rgb(6 33 31 / 85%)" : "rgb(6 33 31 / 55%)";
    pen.beginPath();
    pen.roundRect(at - half, base - size, 2 * half, size * 1.35, size / 2);
    pen.fill();
    pen.fillStyle = "#ffffff";
    pen.fillText(text, at, base);
    pen.globalAlpha = 1;
  }
}
