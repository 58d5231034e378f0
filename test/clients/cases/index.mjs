// A case is {feature, name, run(visit)}, with
//   since   the first client version that has the ability
//   until   the first client version that has it no longer
//   modes   the transports it makes sense on (default: all)
//   server  which server it visits: fixture (default), recovery, heartbeat, program
//   parser  false: not with the MessagePack parser; "msgpack": only with it
//   node    false: Node's server deliberately does otherwise
import connecting from "./connecting.mjs";
import messages from "./messages.mjs";
import grouping from "./grouping.mjs";
import endings from "./endings.mjs";
import chat from "./chat.mjs";
import program from "./program.mjs";

export const cases = [...connecting, ...messages, ...grouping, ...endings, ...program, ...chat];

// features in the order of the table.
export const features = [
  "connect", "auth", "refusal", "emit", "ack", "time-out", "binary", "namespaces", "rooms", "volatile",
  "retries", "recovery", "server disconnect", "reconnect", "heartbeat", "relay", "relay by configuration", "chat",
];
