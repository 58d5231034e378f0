// A site with comments, its database, and the nodes that serve it.
import { execFile } from "node:child_process";
import { createHmac } from "node:crypto";
import { join } from "node:path";
import { promisify } from "node:util";
import { folder, freePort, sockeye, sockeyePath } from "../house/programs.mjs";

const run = promisify(execFile);
const base64 = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");

/** The site "blog" in a database: a new SQLite file unless it is named. */
export class Site {
  name = "blog";
  page = "/post";
  nodes = [];

  static async make({ database = join(folder(), "comments.db"), settings = [], args = [] } = {}) {
    const site = new Site();
    site.database = database;
    site.args = args;
    const said = await site.command("init", "--site", site.name, "--origin", "https://blog.example", "--guests");
    site.secret = /^ {5}([\w-]{43})$/m.exec(said)[1];
    const set = ["minTime=0", ...settings].flatMap((one) => ["--set", one]);
    await site.command("site", site.name, ...set);
    return site;
  }

  /** Runs a command of `sockeye comments` and gives what it printed. */
  async command(...args) {
    const { stdout } = await run(sockeyePath(), ["comments", ...args, "--comments-db", this.database], { cwd: folder(), maxBuffer: 1 << 28 });
    return stdout;
  }

  /** Starts a node, on the port that it had before. */
  async start(port) {
    const args = ["--comments", "--comments-db", this.database, "--ip-handshakes", "off", "--event-rate", "off", "--allow-eio3", ...this.args];
    const node = await sockeye(args, { port: port ?? (await freePort()) });
    this.nodes.push(node);
    return node;
  }

  /** What a node said last, for who looks for the fault. */
  get output() {
    return this.nodes.map((node) => node.output.slice(-1_500)).join("\n");
  }

  /** Ends all nodes. */
  async end() {
    await Promise.all(this.nodes.map((node) => node.kill()));
  }

  /** Who a person is: an account of the site that moderates, so that it may write without a pause. */
  moderator(name) {
    const exp = Math.floor(Date.now() / 1000) + 3600;
    const body = `${base64({ alg: "HS256", typ: "JWT" })}.${base64({ sub: name, name, roles: ["moderator"], exp })}`;
    return { token: `${body}.${createHmac("sha256", this.secret).update(body).digest("base64url")}` };
  }

  /** Who a person is: a guest. */
  guest(name) {
    return { guest: { secret: `the secret of ${name}`.padEnd(32, "."), name } };
  }

  /** One part of the page. */
  async part(url, after = "", query = {}) {
    const about = new URLSearchParams({ page: this.page, sort: "oldest", after, ...query });
    const answer = await fetch(`${url}/comments/v1/${this.name}/snapshot?${about}`, { signal: AbortSignal.timeout(60_000) });
    if (!answer.ok) throw new Error(`the snapshot was answered ${answer.status}: ${await answer.text()}`);
    return answer.json();
  }

  /** The whole page: its comments, and the cursor from which nothing of it is missed. */
  async snapshot(url) {
    const first = await this.part(url);
    const comments = [...first.comments];
    for (let { next } = first; next; ) {
      const part = await this.part(url, next);
      comments.push(...part.comments);
      ({ next } = part);
    }
    return { cursor: first.cursor, comments };
  }

  /** All comments as they lie in the database. */
  async stored() {
    const lines = (await this.command("export", this.name, "-")).split("\n");
    return lines.map((line) => /^\s*,?(\{"id":.*\}),?$/.exec(line)?.[1]).filter(Boolean).map((line) => JSON.parse(line));
  }
}
