// Tells the page around a frame of comments how high it is, as a message
// {type: "sockeye:comments:height", height}. A height is no secret: any page may have it
// that may have the frame.

const root = document.documentElement;
const theme = new URLSearchParams(location.search).get("theme");
let told = 0;

function tell() {
  const height = Math.ceil(document.body.getBoundingClientRect().height);
  if (height !== told && window.parent !== window) {
    told = height;
    window.parent.postMessage({ type: "sockeye:comments:height", height }, "*");
  }
}

if (theme === "light" || theme === "dark") root.style.colorScheme = theme;
root.style.overflow = window.parent === window ? "" : "hidden"; // the frame grows instead
new ResizeObserver(tell).observe(document.body);
tell();
