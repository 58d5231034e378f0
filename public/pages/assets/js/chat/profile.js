// The dialog that asks for a nickname.

import { byId } from "../dom.js";

const dialog = byId("profile");
const field = byId("nick");
const problem = byId("nick-problem");

let save = null; // what to do with the name; throws an Error with a sentence
let required = false;

/**
 * Asks for a nickname. onSave gets it and may throw an Error, which is shown beside the
 * field. Without a name yet, the dialog cannot be dismissed.
 */
export function askNick(current, onSave, first = false) {
  save = onSave;
  required = first;
  field.value = current;
  say("");
  byId("profile-cancel").hidden = first;
  byId("profile-save").textContent = first ? "Start chatting" : "Save";
  if (!dialog.open) dialog.showModal();
  field.select();
}

byId("profile-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const nick = field.value.trim();
  if (!nick) {
    say("Write a nickname first.");
    return;
  }
  try {
    await save(nick);
    dialog.close();
  } catch (error) {
    say(error.message);
  }
});
byId("profile-cancel").addEventListener("click", () => dialog.close());
dialog.addEventListener("cancel", (event) => {
  if (required) event.preventDefault();
});

function say(words) {
  problem.textContent = words;
  field.setAttribute("aria-invalid", words ? "true" : "false");
  if (words) field.focus();
}
