// The cutout, its background and its file. In: the answer of /v1/cutout. Out: a card; each choice asks the service anew,
// so that what is seen is the file that is saved.

import { busy, card, el, problemBox, unseen, varied } from "./dom.js";
import { lacking } from "./tags.js";
import { stem } from "./words.js";

const FORMATS = { "": "Photo's own size", "square-1000": "Square, 1000 px", "square-2000": "Square, 2000 px", "1600x2000": "4:5, 1600 × 2000 px" };
export const choices = { background: "transparent", what: "garment", shadow: "none", template: "" };
let colour = "#f1ede6";

export const optionsOf = () => Object.fromEntries(Object.entries(choices).filter(([, value]) => value !== ""));

export function cutoutCard(photo, missing, change) {
  const answer = photo.answers.cutout;
  if (missing.cutout) return card("Cutout", "cutout-card", lacking("Cutouts", missing.cutout));
  const done = answer?.state === "done" ? answer : null;
  const last = done ?? (answer?.state === "working" ? photo.lastCutout : null);
  if (done) photo.lastCutout = done;
  return card("Cutout", "cutout-card",
    el("div", { class: "frame checks", "aria-busy": String(!done) },
      last ? el("img", { src: last.result.png, alt: `The ${last.options.what} of ${photo.name} alone` }) : null,
      answer?.state === "working" ? busy("Cutting out…") : null,
      answer?.state === "problem" ? problemBox(answer.problem) : null),
    controls(photo, change), done ? saving(photo, done) : null);
}

function controls(photo, change) {
  const set = (more) => { Object.assign(choices, more); change(); };
  return el("div", { class: "controls" },
    el("fieldset", {}, el("legend", {}, "Background"),
      swatch("transparent", "Transparent", set), swatch("white", "White", set), own(set)),
    picked("what", "Cut out", { garment: "Garment", person: "Person" }, set),
    picked("template", "Format", FORMATS, set),
    el("label", { class: "tick" }, el("input", { id: "shadow", type: "checkbox", checked: choices.shadow === "soft",
      onchange: (event) => set({ shadow: event.target.checked ? "soft" : "none" }) }), " Soft shadow"));
}

function swatch(value, name, set) {
  return el("button", { id: `on-${value}`, class: `swatch ${value}`, title: name, "aria-pressed": String(choices.background === value),
    onclick: () => set({ background: value }) }, unseen(name));
}

function own(set) {
  const pressed = choices.background.startsWith("#");
  const input = el("input", { id: "on-colour", type: "color", value: colour, title: "A colour of your own",
    onchange: (event) => { colour = event.target.value; set({ background: colour }); } });
  return varied(el("label", { class: pressed ? "swatch own pressed" : "swatch own" }, unseen("A colour of your own"), input), { own: colour });
}

function picked(name, label, options, set) {
  return el("label", { class: "pick" }, `${label} `, el("select", { id: `cut-${name}`, onchange: (event) => set({ [name]: event.target.value }) },
    Object.entries(options).map(([value, text]) => el("option", { value, selected: choices[name] === value }, text))));
}

function saving(photo, { result }) {
  return el("p", { class: "row" },
    el("button", { id: "save-cutout", class: "strong", onclick: () => save(result.png, `${stem(photo.name)}-${choices.what}.png`) }, "Download PNG"),
    el("span", { class: "soft" }, `${result.width} × ${result.height} px`));
}

export function save(dataUrl, name) {
  const bytes = Uint8Array.from(atob(dataUrl.slice(dataUrl.indexOf(",") + 1)), (letter) => letter.charCodeAt(0));
  const href = URL.createObjectURL(new Blob([bytes], { type: "image/png" }));
  const link = el("a", { href, download: name });
  document.body.append(link); // some browsers save nothing for a link outside the page
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(href), 60_000);
}
