// Colours of the garment. In: the answer of /v1/colour. Out: a card with swatches that copy their value.

import { busy, card, el, problemBox, say, unseen, varied } from "./dom.js";
import { lacking } from "./tags.js";
import { percent, titled } from "./words.js";

const RGB = /^#[0-9a-f]{6}$/i;

export function colourCard(photo, missing) {
  const answer = photo.answers.colour;
  return card("Colours", "colour-card",
    missing.cutout ? lacking("Colours", missing.cutout) : !answer || answer.state === "working" ? busy("Measuring…") :
      answer.state === "problem" ? problemBox(answer.problem) : swatches(answer.result.colours.filter((each) => RGB.test(each.rgb))));
}

function swatches(colours) {
  return [
    el("div", { class: "shares", "aria-hidden": "true" }, colours.map((each) => varied(el("i"), { rgb: each.rgb, share: each.share }))),
    el("ul", { class: "colours" }, colours.map((each) => el("li", {},
      el("button", { class: "colour", title: `Copy ${each.rgb}`, onclick: () => copied(each.rgb) }, varied(el("i", { "aria-hidden": "true" }), { rgb: each.rgb }),
        el("span", {}, el("strong", {}, titled(each.name)), ` ${percent(each.share)}`,
          el("span", { class: "soft" }, each.finer === each.name ? "" : `${each.finer}, `, each.rgb), unseen(", copy")))))),
  ];
}

export async function copied(text) {
  try {
    await navigator.clipboard.writeText(text);
  } catch { // no permission, or a page without TLS on another machine
    const field = el("textarea", { value: text, class: "hidden" });
    document.body.append(field);
    field.select();
    document.execCommand("copy");
    field.remove();
  }
  say("Copied");
}
