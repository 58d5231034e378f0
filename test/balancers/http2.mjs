// Long-polling by hand over HTTP/2, as browsers do it behind a balancer with TLS.
import http2 from "node:http2";

/** One request. */
function ask(session, path, body) {
  return new Promise((resolve, reject) => {
    const stream = session.request({
      ":method": body === undefined ? "GET" : "POST",
      ":path": path,
      ...(body === undefined ? {} : { "content-type": "text/plain;charset=UTF-8" }),
    });
    let status;
    let text = "";
    stream.setEncoding("utf8");
    stream.on("response", (headers) => (status = headers[":status"]));
    stream.on("data", (chunk) => (text += chunk));
    stream.on("end", () => resolve({ status, text }));
    stream.on("error", reject);
    stream.end(body);
  });
}

/** Connects, and exchanges numbered messages each way: all requests are streams of one connection. */
export async function pollOverHTTP2({ url, ca, messages }) {
  const session = http2.connect(url, { ca });
  const faults = [];
  session.on("error", (error) => faults.push(String(error)));
  let turn = 0;
  const path = (sid = "") => `/socket.io/?EIO=4&transport=polling&t=${turn++}${sid && `&sid=${sid}`}`;
  try {
    const open = await ask(session, path());
    const { sid } = JSON.parse(open.text.slice(1));
    const waiting = [];
    const poll = (async () => {
      for (let acked = 0; acked < messages; ) {
        const { status, text } = await ask(session, path(sid));
        if (status !== 200) throw new Error(`a poll was answered ${status} ${text}`);
        for (const packet of text.split("\x1e")) {
          if (packet === "2") waiting.push("3");
          const ack = /^43(\d+)\[(\d+)\]$/.exec(packet);
          if (!ack) continue;
          if (Number(ack[1]) !== acked || Number(ack[2]) !== acked) faults.push(`${packet} came when ${acked} was due`);
          acked++;
        }
      }
    })();
    poll.catch((error) => faults.push(String(error)));
    for (let i = -1; i < messages; i++) {
      waiting.push(i < 0 ? "40" : `42${i}["echo",${i}]`);
      const { status, text } = await ask(session, path(sid), waiting.splice(0).join("\x1e"));
      if (status !== 200 || text !== "ok") throw new Error(`a POST was answered ${status} ${text}`);
    }
    await poll;
  } catch (error) {
    faults.push(String(error));
  }
  session.close();
  return faults;
}
