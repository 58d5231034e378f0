// The chat page: joins what the server says and what the visitor does. The events are
// those of the server's namespace /chat.

import { byId, dressAvatar } from "../dom.js";
import { connect, watch } from "../connection.js";
import { Conversation } from "./conversation.js";
import * as identity from "./identity.js";
import * as transcript from "./transcript.js";
import { compose, setLimit, swapDraft } from "./composer.js";
import { closeDrawers, showConversations, showPeople } from "./panels.js";
import { askNick } from "./profile.js";
import { showStatus } from "./status.js";

const ACK = 10_000; // ms to wait for the server's answer
const SPREAD = 2_000; // ms within which the pages ask for what all of them have missed

const conversations = new Map(); // by key
let open = null; // the conversation that is shown
let me = null; // {id, nick}
let history = 0; // messages that the server keeps of a room
let socket = null;
let refused = false; // the server does not want this visitor

// Asking the server

// Resolves to the answer, or throws an Error: with a code if the server refused.
async function ask(event, request) {
  const answer = await socket.timeout(ACK).emitWithAck(event, request);
  if (answer?.error) throw Object.assign(new Error(answer.error.message), { code: answer.error.code });
  return answer;
}

// Enters a room and catches up. Resolves to the conversation, which is another one when
// the server's form of the name is open already. missed is the id after which messages may
// be missing, if the server said so.
async function enter(asked, missed = "") {
  const room = await ask("join", { room: asked.name, after: missed || asked.last || undefined });
  const conversation = underName(asked, room.room);
  const fresh = conversation.last === "";
  conversation.joined = true;
  conversation.meet(room.users, room.count);
  if (room.gap && !fresh && (!missed || room.messages.length >= history)) conversation.append({ type: "gap" });
  let unread = 0;
  for (const message of room.messages) {
    const mine = message.user.id === me?.id;
    if (conversation.receive(message, mine) !== "known" && !mine && !fresh) unread += 1;
  }
  if (conversation !== open || document.hidden) conversation.unread += unread;
  if (conversation === open) transcript.show(conversation);
  draw();
  await flush(conversation);
  return conversation;
}

function underName(asked, name) {
  if (name === asked.name) return asked;
  conversations.delete(asked.key);
  const known = conversations.get(`room:${name}`);
  asked.name = name;
  if (!known) conversations.set(asked.key, asked);
  else if (asked === open) show(known);
  keepRooms();
  return known ?? asked;
}

async function leave(conversation) {
  conversations.delete(conversation.key);
  if (conversation.kind === "room") {
    keepRooms();
    if (socket?.connected) ask("leave", { room: conversation.name }).catch(() => {}); // gone either way
  } else {
    keepPrivates();
  }
  show([...conversations.values()][0] ?? null);
}

// Sending

// Reports whether it could be taken: before the first welcome nobody knows whose it is.
function say(text) {
  if (!open || !me) return false;
  const conversation = open;
  const item = conversation.append({
    type: "message", state: "pending", mine: true, key: identity.newKey(), user: me, text, time: Date.now(), late: !socket.connected,
  });
  transcript.append(conversation, item);
  deliver(conversation, item);
  return true;
}

async function deliver(conversation, item) {
  if (!socket.connected || (conversation.kind === "room" && !conversation.joined)) return; // flush does it later
  try {
    const answer = conversation.kind === "room"
      ? await ask("message", { room: conversation.name, text: item.text, key: item.key })
      : await ask("private", { to: conversation.name, text: item.text, key: item.key });
    conversation.settle(item, answer);
  } catch (error) {
    if (item.id) return; // heard meanwhile
    if (!error.code && !socket.connected) item.late = true;
    else Object.assign(item, { state: "failed", problem: error.code ? error.message : "the server did not answer." });
  }
  transcript.refresh(conversation, item);
  if (conversation.kind === "private") keepPrivates();
}

// What was written while the connection was lost goes out in order; the key keeps the
// server from passing on what it had heard after all.
async function flush(conversation) {
  for (const item of conversation.waiting) await deliver(conversation, item);
}

transcript.retryWith((item) => {
  const conversation = [...conversations.values()].find((c) => c.items.includes(item));
  Object.assign(item, { state: "pending", late: !socket.connected });
  transcript.refresh(conversation, item);
  deliver(conversation, item);
});

// Hearing

function listen() {
  socket.on("welcome", ({ user, limits, named }) => {
    const wanted = identity.nick();
    setMe(user);
    history = limits.history;
    setLimit(limits.text);
    byId("nick").maxLength = limits.nick;
    byId("join-room").maxLength = limits.room;
    if (wanted && wanted !== user.nick && open && !named) {
      note(open, `Somebody here is called ${wanted} already, so you are ${user.nick} for now.`);
    }
    for (const conversation of conversations.values()) {
      if (conversation.kind === "room") enter(conversation).catch((error) => note(conversation, problemOf(error)));
      else flush(conversation);
    }
  });
  socket.on("you", ({ user }) => {
    setMe(user);
    identity.keepNick(user.nick);
  });
  socket.on("message", (message) => {
    const conversation = conversations.get(`room:${message.room}`);
    if (conversation) hear(conversation, message, message.user);
  });
  socket.on("private", (message) => {
    const mine = message.from.id === me?.id;
    const other = mine ? message.to : message.from;
    hear(privateWith(other), { ...message, user: message.from }, message.from);
    keepPrivates();
  });
  socket.on("typing", ({ room, user, on }) => {
    const conversation = conversations.get(`room:${room}`);
    conversation?.noteTyping(user, on);
    if (conversation === open) drawTyping();
  });
  inRoom("joined", (conversation, { user }) => {
    if (user.id !== me?.id && !conversation.people.has(user.id)) note(conversation, `${user.nick} joined`);
    conversation.people.set(user.id, user);
  });
  inRoom("left", (conversation, { user }) => {
    conversation.people.delete(user.id);
    conversation.noteTyping(user, false);
    note(conversation, `${user.nick} left`);
  });
  inRoom("renamed", (conversation, { user, was }) => {
    conversation.people.set(user.id, user);
    note(conversation, user.id === me?.id ? `You are now ${user.nick}` : `${was} is now ${user.nick}`);
    const direct = conversations.get(`private:${user.id}`);
    if (direct) direct.user = user;
  });
  inRoom("people", (conversation, { users = [], count }) => conversation.meet(users, count));
  inRoom("missed", (conversation, { after }) => {
    setTimeout(() => {
      if (conversation.joined && conversation.last) enter(conversation, after).catch(() => {}); // the next connect catches up
    }, Math.random() * SPREAD);
  });
  socket.on("disconnect", () => {
    for (const conversation of conversations.values()) {
      conversation.joined = false;
      conversation.typing.clear();
    }
    draw();
  });
}

// Hears an event of a room that this tab is in.
function inRoom(event, take) {
  socket.on(event, (notice) => {
    const conversation = conversations.get(`room:${notice.room}`);
    if (!conversation) return;
    take(conversation, notice);
    draw();
  });
}

function hear(conversation, message, author) {
  const mine = author.id === me?.id;
  const how = conversation.receive(message, mine);
  if (how === "known") return;
  conversation.noteTyping(author, false);
  if (how === "added") transcript.append(conversation, conversation.items.at(-1));
  else if (how === "settled") transcript.refresh(conversation, conversation.items.find((item) => item.id === message.id));
  else if (conversation === open) transcript.show(conversation);
  drawTyping();
  if (mine || (conversation === open && !document.hidden)) return;
  conversation.unread += 1;
  drawConversations();
}

function privateWith(user) {
  const key = `private:${user.id}`;
  if (!conversations.has(key)) {
    conversations.set(key, new Conversation("private", user.id, user));
    drawConversations();
  }
  const conversation = conversations.get(key);
  conversation.user = user;
  return conversation;
}

function note(conversation, text) {
  transcript.append(conversation, conversation.append({ type: "notice", text, time: Date.now() }));
}

function problemOf(error) {
  return error.code ? `Cannot join: ${error.message}.` : "The server did not answer.";
}

// Drawing

function setMe(user) {
  me = user;
  byId("me-nick").textContent = user.nick;
  dressAvatar(byId("me").querySelector(".avatar"), user);
  draw();
}

function drawConversations() {
  showConversations(conversations, open, show);
  const unread = [...conversations.values()].reduce((sum, c) => sum + c.unread, 0);
  document.title = `${unread ? `(${unread}) ` : ""}${open ? open.title : "Chat"} · Sockeye`;
}

function draw() {
  drawConversations();
  byId("leave").hidden = !open;
  byId("leave").textContent = open?.kind === "private" ? "Close" : "Leave";
  byId("title").textContent = open ? open.title : "No conversation";
  byId("subtitle").textContent = subtitle();
  byId("text").disabled = byId("send").disabled = !open;
  byId("people-panel").classList.toggle("stale", !socket?.connected);
  showPeople(peopleOf(open), me, pick);
  drawTyping();
}

function subtitle() {
  if (!open) return "Join a room to begin.";
  if (open.kind === "private") return "Private message";
  if (refused) return "Not connected";
  if (!open.joined) return socket?.connected ? "Joining…" : "Waiting for the connection…";
  const count = open.people.size || open.crowd;
  return count === 1 ? "Only you are here" : `${count} people here`;
}

// In a private conversation the list shows the two.
function peopleOf(conversation) {
  if (conversation?.kind !== "private") return conversation ?? { people: new Map(), crowd: 0 };
  return { people: new Map([conversation.user, ...(me ? [me] : [])].map((user) => [user.id, user])), crowd: 0 };
}

function drawTyping() {
  const names = open ? open.typists().map((user) => user.nick) : [];
  const text = names.length > 2 ? "Several people are typing" : names.length === 2 ? `${names[0]} and ${names[1]} are typing` : names.length ? `${names[0]} is typing` : "";
  if (byId("typing").textContent !== text) byId("typing").textContent = text;
}

function show(conversation) {
  const draft = swapDraft(conversation?.draft ?? "", conversation?.kind === "private" ? `Write to ${conversation.title}` : "Write a message");
  if (open) open.draft = draft;
  composer.stop();
  open = conversation;
  if (conversation) conversation.unread = 0;
  transcript.show(conversation ?? { kind: "room", name: "this place", items: [] });
  closeDrawers();
  draw();
}

function pick(user) {
  if (user.id === me?.id) {
    editNick();
    return;
  }
  show(privateWith(user));
  byId("text").focus();
}

// The visitor

function editNick() {
  askNick(me?.nick ?? identity.nick(), async (nick) => {
    if (socket?.connected) {
      const { user } = await ask("nick", { nick });
      setMe(user);
      identity.keepNick(user.nick);
    } else {
      identity.keepNick(nick); // the next connect brings it along
    }
  });
}

function openRoom(name) {
  const key = `room:${name}`;
  if (conversations.has(key)) return conversations.get(key);
  const conversation = new Conversation("room", name);
  conversations.set(key, conversation);
  return conversation;
}

function keepRooms() {
  identity.keepRooms([...conversations.values()].filter((c) => c.kind === "room").map((c) => c.name));
}

function keepPrivates() {
  identity.keepPrivates([...conversations.values()].filter((c) => c.kind === "private")
    .map(({ user, items }) => ({ user, messages: items.filter((item) => item.type === "message" && item.id).slice(-50) })));
}

byId("join").addEventListener("submit", async (event) => {
  event.preventDefault();
  const field = byId("join-room");
  const name = field.value.trim();
  byId("join-problem").textContent = "";
  if (!name) return;
  const known = conversations.has(`room:${name}`);
  let conversation = openRoom(name);
  try {
    if (!known && socket?.connected) conversation = await enter(conversation);
    field.value = "";
    keepRooms();
    show(conversation);
    byId("text").focus();
  } catch (error) {
    conversations.delete(conversation.key);
    byId("join-problem").textContent = problemOf(error);
    draw();
  }
});
byId("leave").addEventListener("click", () => leave(open));
byId("me").addEventListener("click", editNick);
document.addEventListener("visibilitychange", () => {
  if (document.hidden || !open?.unread) return;
  open.unread = 0;
  draw();
});
setInterval(drawTyping, 1000);

const composer = compose({
  send: say,
  typing: (on) => {
    if (open?.kind === "room" && open.joined) socket.volatile.emit("typing", { room: open.name, on });
  },
});

async function start() {
  try {
    socket = await connect("/chat", { auth: (give) => give({ secret: identity.secret(), nick: identity.nick() }) });
  } catch (error) {
    tell({ state: "refused", transport: "", reason: error.message, recovered: false });
    return;
  }
  listen();
  watch(socket, tell);
}

function tell(status) {
  showStatus(status);
  refused = status.state === "refused";
  draw();
}

for (const { user, messages } of identity.privates()) {
  const conversation = privateWith(user);
  for (const message of messages) conversation.receive(message, message.mine);
}
for (const name of identity.rooms()) openRoom(name);
show(openRoom(new URLSearchParams(location.search).get("room") ?? identity.rooms()[0]));
if (identity.nick()) start();
else askNick("", (nick) => { identity.keepNick(nick); start(); }, true);
