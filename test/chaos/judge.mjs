// Draws the conclusions: what a client should have got by the log, beside what it got.
//
// A stay in a room owes the client every number of the log from the first that was
// emitted after its join was acknowledged, or that it got on that connection if this is
// earlier. A stay that goes on owes everything to the end of the log. One that ended, by
// `recovered: false` or by leaving, owes everything up to the last number the client got
// in it: what is missing before that one is a gap nobody told of. Numbers emitted while a
// join or a leave was under way may arrive or not.
//
// A number that came past the log, while Redis was away, shows its client that it is not to
// be recovered: where `recovered: false` follows, nothing before that number is owed for it.
//
// Whatever the client gets comes once, in the order of the log, and of each publisher in
// the order sent, numbers without a log entry included.

/** Everything that is wrong with one client: lists of { kind, room, text, wall, number }. */
export function judge(witness, ledger) {
  const stays = staysByRoom(witness);
  const wrongs = [...witness.faults, ...orderOf(witness, stays)];
  for (const list of stays.values()) {
    for (const stay of list) wrongs.push(...missingIn(stay, ledger));
  }
  return wrongs;
}

/** Whether the client has all it is owed now, so that a run may end. */
export function complete(witness, ledger) {
  const stays = staysByRoom(witness);
  assign(witness, stays, () => {});
  return [...stays.values()].flat().every((stay) => missingIn(stay, ledger).length === 0);
}

function staysByRoom(witness) {
  const rooms = new Map();
  for (const stay of witness.stays) {
    if (!rooms.has(stay.room)) rooms.set(stay.room, []);
    rooms.get(stay.room).push({ ...stay, got: new Set(), first: Infinity, last: -1 });
  }
  return rooms;
}

/** Gives every number to the stay it came in; `stray` hears of those that came in none. */
function assign(witness, stays, stray) {
  for (const arrival of witness.arrivals) {
    const { room, at, on, number, unlogged } = arrival;
    const stay = stays.get(room)?.findLast((s) => s.asked < at);
    if (!stay) stray(arrival, "came outside the client's rooms");
    else if (stay.told && at > stay.told) stray(arrival, "came after recovered: false and before the room was joined again");
    else if (stay.left && at > stay.left) {
      if (number && number.emitted > stay.left) stray(arrival, "was sent after the room was left");
    } else if (number && number.index >= 0) {
      stay.got.add(number);
      if (unlogged) continue;
      if (stay.acked && on >= stay.ackedOn) stay.first = Math.min(stay.first, number.index);
      stay.last = Math.max(stay.last, number.index);
    }
  }
}

function orderOf(witness, stays) {
  const wrongs = [];
  const wrong = (kind, arrival, text) =>
    wrongs.push({ kind, room: arrival.room, text: `${arrival.key} ${text}`, wall: arrival.wall, number: arrival.number, on: arrival.on });
  assign(witness, stays, (arrival, why) => wrong("stray", arrival, why));
  const seen = new Map();
  const last = new Map();
  let furthest;
  for (const arrival of witness.arrivals) {
    const { key, number, p, room, n } = arrival;
    if (!number) {
      wrong("stray", arrival, "was never published");
      continue;
    }
    const before = seen.get(key);
    if (before) {
      wrong("duplicated", arrival, `came on connections ${before.on} and ${arrival.on}, ${arrival.wall - before.wall} ms apart`);
      continue;
    }
    seen.set(key, arrival);
    const previous = last.get(`${p}/${room}`);
    if (previous && previous.n > n) wrong("disordered", arrival, `came after ${previous.key}, which was sent later`);
    else if (number.index >= 0 && furthest && furthest.index > number.index) {
      wrong("disordered", arrival, `came after ${furthest.key}, which is later in the log`);
    }
    if (!previous || previous.n < n) last.set(`${p}/${room}`, arrival);
    if (number.index >= 0 && (!furthest || furthest.index < number.index)) furthest = number;
  }
  return wrongs;
}

function missingIn(stay, ledger) {
  if (!stay.acked) return [];
  const log = ledger.rooms.get(stay.room) ?? [];
  const owedFrom = Math.min(stay.first, log.find((number) => number.emitted > stay.acked)?.index ?? Infinity);
  const over = stay.told || stay.left || stay.leaving;
  const missing = [];
  for (const number of log) {
    if (number.index < owedFrom || (over && number.index > stay.last) || stay.got.has(number)) continue;
    missing.push({ kind: "lost", room: stay.room, text: `${number.key} (log ${number.id}) never came`, wall: number.seen, number });
  }
  return missing;
}
