// Edits in words, with a second picture where someone chose one: a look or a backdrop. In: the answer of /v1/edit. Out: a
// card with what was understood, before | after, what the guard says, and the file. Nothing runs until it is asked for;
// what is seen is the file that is saved.

import { busy, card, el, problemBox, unseen } from "./dom.js";
import { lacking } from "./tags.js";
import { save } from "./cutout.js";
import { percent, stem, titled } from "./words.js";

const EXAMPLES = ["white background, centre it", "white background, soft shadow, 1600x2000", "beautify, twice as large", "make it navy blue", "白底，居中，放大两倍"];
const BESIDE = { // name of a second picture -> how it is offered, what is asked where the words leave it out
  look: { offer: "Take the look of a picture", asks: "in the style of look" },
  backdrop: { offer: "Lay it on a picture", asks: "background backdrop" },
};
const KINDS = "image/jpeg,image/png,image/webp,image/avif";
const beside = {}; // name -> { file, url: a data: URL }
let words = "";

export function editCard(photo, missing, run, redraw) {
  if (missing.cutout) return card("Edit", "edit-card", lacking("Edits", missing.cutout));
  const answer = photo.answers.edit;
  return card("Edit", "edit-card", form(answer?.state === "working", run), pictures(redraw), examples(),
    answer?.state === "working" ? busy("Editing, and measuring the garment after each step…") : null,
    answer?.state === "problem" ? [problemBox(answer.problem), figures(answer.problem.steps)] : null,
    answer?.state === "done" ? finished(photo, answer) : null);
}

function form(working, run) {
  return el("form", { class: "joined", id: "edit-form", onsubmit: (event) => { event.preventDefault(); if (asked()) run({ ask: asked(), ...beside }); } },
    el("label", { class: "hidden", htmlFor: "edit-words" }, "What to do with the photo"),
    el("input", { id: "edit-words", type: "text", value: words, placeholder: "white background, centre it, twice as large", maxLength: 1000,
      autocomplete: "off", oninput: (event) => { words = event.target.value; } }),
    el("button", { id: "edit-run", class: "strong", disabled: working }, "Edit"));
}

// The words, and what a chosen picture is for where they don't say it.
function asked() {
  const left = Object.keys(beside).filter((name) => !new RegExp(`\\b${name}\\b`, "i").test(words)).map((name) => BESIDE[name].asks);
  return [words.trim(), ...left].filter(Boolean).join(", ");
}

function pictures(redraw) {
  return el("p", { class: "row beside" }, Object.entries(BESIDE).map(([name, { offer }]) => (beside[name]
    ? el("button", { id: `without-${name}`, class: "small", type: "button", onclick: () => { delete beside[name]; redraw(); } },
      `${name === "look" ? "Look" : "Backdrop"}: ${beside[name].file.name} ✕`, unseen(" (remove)"))
    : el("label", { class: "button", htmlFor: `choose-${name}` }, `${offer}…`,
      el("input", { id: `choose-${name}`, type: "file", accept: KINDS, onchange: (event) => chosen(name, event.target.files[0], redraw) })))));
}

function chosen(name, file, redraw) {
  if (!file) return;
  const reader = new FileReader();
  reader.onload = () => { beside[name] = { file, url: reader.result }; redraw(); };
  reader.readAsDataURL(file);
}

function examples() {
  const take = (text) => { words = text; const field = document.getElementById("edit-words"); field.value = text; field.focus(); };
  return el("p", { class: "examples" }, el("span", { class: "soft" }, "Such as"), EXAMPLES.map((text) =>
    el("button", { class: "small", type: "button", onclick: () => take(text) }, text)));
}

function finished(photo, { result }) {
  return [
    el("p", { class: "understood" }, el("span", { class: "soft" }, "Understood: "), el("strong", {}, result.chain)),
    el("div", { class: "pair" }, photo.src ? side("Before", photo.src, `${photo.name}, as it came`) : null, side("After", result.png, `${photo.name}, edited`)),
    el("p", { class: `verdict ${result.verdict}` }, el("strong", {}, said(result))),
    list([...result.reasons, ...result.notes]), figures(result.steps),
    el("p", { class: "row" },
      el("button", { id: "save-edit", class: "strong", onclick: () => save(result.png, `${stem(photo.name)}-edited.png`) }, "Download PNG"),
      el("span", { class: "soft" }, `${result.width} × ${result.height} px, marked as edited`)),
  ];
}

function said({ verdict, steps }) {
  if (verdict === "review") return "Look at it before you use it";
  return steps.every(({ guard }) => guard.changed === 0) ? "Not one garment pixel changed" : "The garment stays true to the photo, within the limits";
}

const side = (name, src, alt) => el("figure", {}, el("div", { class: "frame" }, el("img", { src, alt })), el("figcaption", {}, name));

const list = (lines) => (lines.length ? el("ul", { class: "reasons" }, lines.map((line) => el("li", {}, titled(line)))) : null);

// What the guard measured, a row a step.
function figures(steps) {
  if (!steps?.length) return null;
  return el("details", {}, el("summary", { id: "edit-figures" }, "What was measured of the garment"),
    el("div", { class: "scroll", tabIndex: 0, role: "group", "aria-label": "Measured figures" }, el("table", {},
      el("thead", {}, el("tr", {}, ["Step", "Verdict", "Pixels changed", "Colour moved (CIEDE2000)", "Texture drift", "Print drift", "Fine detail lost", "Outline without an edge", "Its colours beside it"].map((name) => el("th", { scope: "col" }, name)))),
      el("tbody", {}, steps.map(({ step, guard }) => el("tr", {}, el("th", { scope: "row" }, titled(step)),
        [guard.verdict, guard.changed === null ? "resampled" : `${guard.changed} of ${guard.pixels}`, fixed(guard.delta_mean), fixed(guard.texture), fixed(guard.logo), fixed(guard.detail), percent(guard.blind), percent(guard.left)].map((cell) => el("td", {}, cell))))))));
}

const fixed = (value) => (typeof value === "number" ? value.toFixed(2) : "");
