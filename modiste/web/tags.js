// Tags with their confidence. In: answers of /v1/tag and of a flow. Out: a card; a field without a sure answer says what
// it would have been. `why(field)` toggles the heat map.

import { busy, card, el, problemBox, unseen, varied } from "./dom.js";
import { sure, titled } from "./words.js";

export function tagCard(photo, missing, flow, why) {
  const tag = photo.answers.tag;
  const parts = [];
  if (missing.tag) parts.push(lacking("Tags", missing.tag));
  else if (!tag || tag.state === "working") parts.push(busy("Looking at it…"));
  else if (tag.state === "problem") parts.push(problemBox(tag.problem));
  else parts.push(el("dl", { class: "tags" }, Object.entries(tag.result.tags).map(([field, each]) => row(photo, field, each, why))));
  const more = only(photo, flow, tag?.result?.tags ?? {});
  if (more.length) parts.push(el("h3", {}, `Added by the flow ‘${flow}’`), el("dl", { class: "tags" }, more.map(([field, each]) => row(photo, field, each, null))));
  return card("Tags", "tag-card", parts);
}

export function lacking(what, how) {
  return el("div", { class: "lacking" }, el("strong", {}, `${what}: not here yet`), el("p", {}, how));
}

function only(photo, flow, known) {
  const tags = photo.answers[`flow/${flow}`]?.result?.tags ?? {};
  return Object.entries(tags).filter(([field]) => !(field in known));
}

function row(photo, field, tag, why) {
  const unsure = tag.label === null;
  const said = unsure ? tag.ranked.slice(0, 1).map((each) => each.label) : tag.labels ?? [tag.label];
  return el("div", { class: unsure ? "tag unsure" : "tag", "data-field": field },
    el("dt", {}, titled(field), why ? whyButton(photo, field, why) : null),
    el("dd", {},
      el("p", { class: "answer" },
        el("strong", {}, unsure ? `not sure: ${said.map(titled)[0] ?? "no answer"}` : said.map(titled).join(", ")),
        el("span", { class: "number" }, sure(tag.confidence))),
      bar(tag.confidence),
      tag.ranked.length > 1 ? others(photo, field, tag) : null));
}

// Open stays open when the card is drawn anew.
function others(photo, field, tag) {
  const opened = (photo.opened ??= new Set());
  return el("details", { open: opened.has(field), ontoggle: (event) => opened[event.target.open ? "add" : "delete"](field) },
    el("summary", { id: `others-${field}` }, "All answers", unseen(` for ${field}`)),
    el("ol", { class: "ranked" }, tag.ranked.slice(0, 12).map((each) =>
      el("li", {}, el("span", {}, titled(each.label)), el("span", { class: "number" }, sure(each.confidence)), bar(each.confidence)))));
}

function whyButton(photo, field, why) {
  const on = photo.heat === field;
  return el("button", { id: `why-${field}`, class: "small", "aria-pressed": String(on), onclick: () => why(field) },
    on ? "Hide" : "Show", " where it looked", unseen(` for ${field}`));
}

export function bar(share) {
  return varied(el("span", { class: "bar", "aria-hidden": "true" }, el("i")), { share: `${100 * Math.min(1, Math.max(0, share))}%` });
}
