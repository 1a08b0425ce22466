// How photos come in: dropped, pasted, chosen, taken, or by address. In: the page's events. Out: calls of `add` with
// files and `addUrl` with an address. Reads no pixels.

import { by, say } from "./dom.js";

export function listen(add, addUrl) {
  for (const id of ["files", "camera"]) {
    by(id).addEventListener("change", (event) => {
      add([...event.target.files]);
      event.target.value = ""; // the same photo may be chosen again
    });
  }
  by("by-url").addEventListener("submit", (event) => {
    event.preventDefault();
    if (addUrl(by("url").value.trim())) by("url").value = "";
  });
  document.addEventListener("paste", (event) => taken(event.clipboardData, event, add, addUrl));
  dropping(add, addUrl);
}

function dropping(add, addUrl) {
  let depth = 0; // dragenter and dragleave come for every child too
  const over = (change) => {
    depth = Math.max(0, depth + change);
    document.body.classList.toggle("dropping", depth > 0);
  };
  document.addEventListener("dragenter", () => over(1));
  document.addEventListener("dragleave", () => over(-1));
  document.addEventListener("dragover", (event) => event.preventDefault());
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    over(-depth);
    if (!taken(event.dataTransfer, event, add, addUrl)) say("Nothing there that is a photo");
  });
}

// Files first; else an address, unless it was pasted into a field.
function taken(data, event, add, addUrl) {
  const files = [...(data?.files ?? [])];
  if (files.length) {
    event.preventDefault();
    add(files);
    return true;
  }
  if (event.target instanceof HTMLInputElement) return false;
  const address = (data?.getData("text/uri-list") || data?.getData("text/plain") || "").split("\n")[0].trim();
  return /^https?:\/\//i.test(address) && addUrl(address);
}
