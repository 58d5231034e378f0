// Writing a message.

import { byId } from "../dom.js";

const text = byId("text");
const problem = byId("text-problem");
const TYPING_AGAIN = 2500; // ms between two notices that somebody is typing
const TYPING_ENDS = 4000; // ms without a key

let limit = 2000;
let told = 0; // when others were told, or 0
let quiet = 0; // timer

/**
 * Calls send(text) for each message, which reports whether it was taken, and typing(on) as somebody writes; typing(true) is
 * repeated while it lasts.
 */
export function compose({ send, typing }) {
  const stop = () => {
    clearTimeout(quiet);
    if (told) typing(false);
    told = 0;
  };
  const submit = () => {
    const words = text.value.trim();
    const tooLong = [...words].length - limit;
    if (tooLong > 0) {
      say(`${tooLong} ${tooLong === 1 ? "character" : "characters"} too long.`);
      return;
    }
    if (!words) return;
    if (!send(words)) {
      say("This cannot be sent: you are not connected.");
      return;
    }
    told = 0; // the message itself says that typing has ended
    clearTimeout(quiet);
    text.value = "";
    say("");
    fit();
  };

  byId("composer").addEventListener("submit", (event) => {
    event.preventDefault();
    submit();
    text.focus();
  });
  text.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    submit();
  });
  text.addEventListener("input", () => {
    fit();
    const left = limit - [...text.value.trim()].length;
    say(left < 0 ? `${-left} characters too long.` : left < 100 ? `${left} characters left.` : "");
    if (!text.value.trim()) {
      stop();
      return;
    }
    if (Date.now() - told > TYPING_AGAIN) {
      told = Date.now();
      typing(true);
    }
    clearTimeout(quiet);
    quiet = setTimeout(stop, TYPING_ENDS);
  });
  return { stop };
}

/** Sets the length of a message in characters. */
export function setLimit(characters) {
  limit = characters;
}

/** Puts another conversation's draft into the field and returns the one that was there. */
export function swapDraft(draft, title) {
  const before = text.value;
  text.value = draft;
  text.placeholder = title;
  say("");
  fit();
  return before;
}

/** Says what is wrong with what was written. */
function say(words) {
  problem.textContent = words;
  text.setAttribute("aria-invalid", words.includes("too long") ? "true" : "false");
}

function fit() {
  text.style.height = "auto";
  text.style.height = `${text.scrollHeight + 2}px`;
}
