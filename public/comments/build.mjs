// Makes client/comments.js: one classic script of what is here and of the official client.
// Run by client.sh, in the folder above.

import { build, transform } from "esbuild";
import { readFile } from "node:fs/promises";

const style = {
  name: "style",
  setup(builder) {
    builder.onLoad({ filter: /style\.css$/ }, async ({ path }) => {
      const { code } = await transform(await readFile(path, "utf8"), { loader: "css", minify: true, target: "es2022" });
      return { contents: code.trim(), loader: "text" };
    });
  },
};

// Parts of the client that comments have no use for: they are text, over polling or WebSocket.
const unused = {
  "engine.io-client/.*/webtransport.js": "export class WT {}",
  "socket.io-parser/.*/is-binary.js": "export const hasBinary = () => false, isBinary = hasBinary",
  "socket.io-parser/.*/binary.js": "export const deconstructPacket = null, reconstructPacket = null",
  "engine.io-parser/.*/base64-arraybuffer.js": "export const decode = null",
};

const text = {
  name: "text",
  setup(builder) {
    for (const [file, contents] of Object.entries(unused)) {
      builder.onLoad({ filter: new RegExp(`${file.replaceAll(".js", "\\.js")}$`) }, () => ({ contents, loader: "js" }));
    }
  },
};

await build({
  entryPoints: ["comments/boot.js"],
  outfile: "client/comments.js",
  bundle: true,
  minify: true,
  format: "iife",
  target: "es2022",
  charset: "utf8",
  legalComments: "none",
  mangleProps: /^_[a-z]/, // the client's names for itself, which no message has
  mangleQuoted: true,
  plugins: [style, text],
});
