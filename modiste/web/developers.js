// For who would rather ask from a program: each answer as it came, and the line that asks for it. In: a photo's answers.
// Out: a card; pictures inside the JSON are shortened on the page, whole when copied.

import { curlOf } from "./ask.js";
import { copied } from "./colours.js";
import { el } from "./dom.js";

let open = false;
let chosen = "tag";

export function developers(photo, redraw) {
  const there = Object.entries(photo.answers).filter(([, each]) => each.answer);
  const [name, answer] = there.find(([each]) => each === chosen) ?? there[0] ?? [];
  return el("details", { class: "card developers", open, ontoggle: (event) => { open = event.target.open; } },
    el("summary", { id: "for-developers" }, "For developers: JSON and curl"),
    answer ? el("div", {},
      el("label", { class: "pick" }, "Answer of ", el("select", { id: "answer", onchange: (event) => { chosen = event.target.value; redraw(); } },
        there.map(([each]) => el("option", { value: each, selected: each === name }, each)))),
      code("curl", curlOf(answer.work, photo, answer.options), curlOf(answer.work, photo, answer.options)),
      code("json", JSON.stringify(answer.answer, shortened, 2), JSON.stringify(answer.answer, null, 2))) : null);
}

const shortened = (key, value) => (typeof value === "string" && value.startsWith("data:") && value.length > 120 ? `${value.slice(0, 40)}… (${Math.round(value.length / 1024)} kB)` : value);

function code(kind, shown, whole) {
  return el("div", { class: "code" }, el("button", { id: `copy-${kind}`, class: "small", onclick: () => copied(whole) }, `Copy ${kind === "json" ? "JSON" : kind}`),
    el("pre", { class: kind, tabIndex: 0, "aria-label": kind === "json" ? "JSON" : "Command line" }, shown));
}
