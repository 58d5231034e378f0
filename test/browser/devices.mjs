// Devices that there are not, in front of a server that is.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { binary } from "./server.mjs";

/** Starts sockeye demo devices for a server. */
export function devices(house, server, ...args) {
  const child = spawn(binary, ["demo", "devices", "--url", server.url, "--interval", "200ms", ...args], { stdio: "ignore" });
  house.owns({
    close: async () => {
      const exited = once(child, "exit");
      child.kill("SIGINT");
      await exited;
    },
  });
}
