// Comments without their markup, where there is no more.

/** Builds nodes of sanitised HTML: its text. */
export function rebuild(html) {
  const fragment = document.createDocumentFragment();
  for (const part of html.split(/<\/p>|<br>/)) {
    const text = part.replace(/<[^>]*>/g, "").trim();
    if (!text) continue;
    const line = document.createElement("p");
    line.textContent = text;
    fragment.append(line);
  }
  return fragment;
}
