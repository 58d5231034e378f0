import { createHmac, timingSafeEqual } from "node:crypto";
import express from "express";

// Only Sockeye may ask: the signature is of the time and the body, and five minutes old at most.
const verify = (req, _res, body) => {
  const [time, ...signatures] = (req.get("sockeye-signature") ?? "").split(",").map((part) => part.split("=")[1] ?? "");
  const expected = createHmac("sha256", process.env.WEBHOOK_SECRET).update(`${time}.`).update(body).digest();
  const holds = signatures.map((hex) => Buffer.from(hex, "hex")).some((s) => s.length === expected.length && timingSafeEqual(s, expected));
  if (!holds || Math.abs(Date.now() / 1000 - time) > 300) throw new Error("not signed");
};

const handlers = {
  "join room": ({ user, socket, args: [room] }) => ({ ack: "ok", join: [room], emit: [{ rooms: [room], except: [socket], event: "joined", args: [user.name] }] }),
  "chat message": ({ user, rooms, args: [room, text] }) =>
    rooms.includes(room)
      ? { ack: "ok", emit: [{ rooms: [room], event: "chat message", args: [user.name, text] }] }
      : { ack: { error: { code: "not_here", message: "join the room first" } } },
};
const calls = {
  connect: ({ handshake: { auth: { name } } }) => (name ? { allow: true, user: { id: name, name } } : { allow: false, message: "who are you?" }),
  event: (call) => handlers[call.event]?.(call) ?? { ack: { error: { code: "unknown_event", message: "no such event" } } },
  disconnect: ({ user, rooms }) => (rooms.length > 0 ? { emit: [{ rooms, event: "left", args: [user.name] }] } : {}),
};

const app = express().use(express.json({ limit: "2mb", verify }));
app.post("/sockeye", (req, res) => res.json(calls[req.body.call](req.body)));
app.listen(process.env.PORT ?? 8000, "127.0.0.1");
