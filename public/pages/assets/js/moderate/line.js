// The line to the server: questions that are answered or fail with an Error whose message is a
// sentence, and whose code, field and said are the server's.

const ANSWER = 20_000; // ms

/** Why something did not work. */
export class Refusal extends Error {
  constructor({ code = "failed", message = "The server did not say why", field = "", retryAfter = 0 } = {}) {
    super(sentence(message) + (retryAfter ? ` Try again in ${retryAfter} s.` : ""));
    Object.assign(this, { code, field, said: message });
  }
}

/** A message of the server's as a sentence. */
export function sentence(message) {
  const text = message[0].toUpperCase() + message.slice(1);
  return /[.!?…]$/.test(text) ? text : `${text}.`;
}

/** Asks over a socket. */
export async function ask(socket, event, argument = {}) {
  if (!socket.connected) throw new Refusal({ code: "offline", message: "You are not connected: nothing was done" });
  let answer;
  try {
    answer = await socket.timeout(ANSWER).emitWithAck(event, argument);
  } catch {
    throw new Refusal({ code: "offline", message: "The server did not answer" });
  }
  if (answer?.error) throw new Refusal(answer.error);
  return answer;
}

/** Sends something to the HTTP side, such as the sign-in, which sets a cookie. */
export async function send(site, what, body = {}) {
  let answer;
  try {
    answer = await fetch(new URL(`v1/${encodeURIComponent(site)}/${what}`, location.href), {
      method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body),
    });
  } catch {
    throw new Refusal({ code: "offline", message: "The server cannot be reached" });
  }
  const text = await answer.text();
  if (answer.ok) return text ? JSON.parse(text) : {};
  throw refusalOf(answer.status, text);
}

// A problem as of RFC 9457, or something of a proxy's.
function refusalOf(status, text) {
  try {
    const problem = JSON.parse(text);
    const { code, message, field, retryAfter } = problem.error ?? problem;
    return new Refusal({ code, field, retryAfter: Math.ceil((retryAfter ?? 0) / 1000), message: message ?? problem.detail ?? problem.title });
  } catch {
    return new Refusal({ message: `The server answered with status ${status}` });
  }
}
