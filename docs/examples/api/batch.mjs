// Emits a batch of events, once each, also when it has to be sent twice.
//
//   SOCKEYE_URL=http://127.0.0.1:3000 SOCKEYE_KEY=sk_… node batch.mjs order:17
const [room] = process.argv.slice(2);
const { SOCKEYE_URL, SOCKEYE_KEY } = process.env;

async function emit(events) {
  const response = await fetch(`${SOCKEYE_URL}/api/v1/emit`, {
    method: "POST",
    headers: { Authorization: `Bearer ${SOCKEYE_KEY}`, "Content-Type": "application/json" },
    body: JSON.stringify(events),
  });
  const answer = await response.json();
  if (!response.ok) throw new Error(`${answer.error.code}: ${answer.detail}`);
  return answer;
}

const events = ["picked", "packed", "shipped"].map((step) => ({
  rooms: [room],
  event: "step",
  args: [step],
  key: `${room}:${step}`,
}));

console.log(await emit(events)); // { accepted: 3 }
console.log(await emit(events)); // { accepted: 3, repeated: 3 }
