// The photo, and over it where the tagger looked. In: a photo with its heat answer. Out: a card.

import { busy, card, el, problemBox } from "./dom.js";
import { titled } from "./words.js";

export function stage(photo) {
  const heat = photo.answers.heat;
  const map = photo.heat && heat?.state === "done" ? heat.result.heat?.[photo.heat] : null;
  const src = photo.src ?? null;
  return card("Photo", "stage",
    el("figure", {},
      el("div", { class: "frame" },
        src ? el("img", { class: "photo", src, alt: photo.name, onerror: hide }) : el("p", { class: "soft" }, photo.refused ? "Nothing came from this address." : "The photo stays at its address; what was made of it is shown here."),
        map ? el("img", { class: src ? "heat over" : "heat", src: map, alt: `Where the tagger looked for ${photo.heat}` }) : null),
      el("figcaption", {}, map ? `The redder, the more it speaks for ‘${best(photo)}’. ` : "", el("span", { class: "file" }, photo.name))),
    photo.heat && heat?.state === "working" ? busy("Drawing where it looked…") : null,
    photo.heat && heat?.state === "problem" ? problemBox(heat.problem) : null,
    photo.refused ? problemBox(photo.refused) : null);
}

const best = (photo) => titled(photo.answers.heat.result.tags?.[photo.heat]?.ranked?.[0]?.label ?? photo.heat).toLowerCase();

function hide(event) {
  event.target.replaceWith(el("p", { class: "nothing" }, "No picture that this browser can show"));
}
