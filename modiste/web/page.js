// The page: what comes in goes to the service, what comes back is drawn. In: the service's JSON alone. Out: the sections
// below "results". Draws anew only what an answer changed, and leaves the focus where it was.

import { facts, onKeyWanted, useKey } from "./ask.js";
import { colourCard } from "./colours.js";
import { cutoutCard, optionsOf } from "./cutout.js";
import { developers } from "./developers.js";
import { by, el, problemBox, say } from "./dom.js";
import { editCard } from "./edit.js";
import { listen } from "./intake.js";
import { pathCard } from "./path.js";
import { add, again, onChange, photos, remove, request, show, shown, workThrough } from "./photos.js";
import { similarCard } from "./similar.js";
import { stage } from "./stage.js";
import { headline, strip } from "./strip.js";
import { tagCard } from "./tags.js";
import { count } from "./words.js";

const NEAR = 12;
const known = { flows: [], missing: {}, chosen: null };
let filter = {};

// name of a section -> the answers it shows, and how it is drawn
const SECTIONS = {
  stage: { of: (name) => name === "heat" || name === "state", draw: stage },
  tags: { of: (name) => name === "tag" || name === "heat" || name.startsWith("flow/"), draw: (photo) => tagCard(photo, known.missing, known.chosen, (field) => why(photo, field)) },
  colours: { of: (name) => name === "colour", draw: (photo) => colourCard(photo, known.missing) },
  cutout: { of: (name) => name === "cutout", draw: (photo) => cutoutCard(photo, known.missing, () => request(photo, "cutout", optionsOf())) },
  edit: { of: (name) => name === "edit", draw: (photo) => editCard(photo, known.missing, (options) => request(photo, "edit", options), () => draw(photo, "edit")) },
  path: { of: (name) => name.startsWith("flow/"), draw: (photo) => pathCard(photo, flowFacts(), choose) },
  similar: { of: (name) => name === "similar", draw: (photo) => similarCard(photo, known.missing, filter, refilter) },
  developers: { of: (name) => name !== "state", draw: (photo) => developers(photo, () => draw(photo, "developers")) },
};

function flowFacts() {
  const missing = Object.entries(known.missing).filter(([name]) => name.startsWith("flow"));
  return { all: known.flows, chosen: known.chosen, missing };
}

function works() {
  const all = [["tag", {}], ["cutout", optionsOf()], ["colour", {}], ["similar", similarOptions()]];
  if (known.chosen) all.splice(1, 0, [`flow/${known.chosen}`, {}]);
  return all.filter(([work]) => !known.missing[work === "colour" ? "cutout" : work]);
}

const similarOptions = () => (Object.keys(filter).length ? { k: NEAR, where: filter } : { k: NEAR });

function draw(photo, name) {
  const made = SECTIONS[name].draw(photo);
  const old = by(`section-${name}`);
  const focused = old?.contains(document.activeElement) ? document.activeElement.id : "";
  made.id = `section-${name}`;
  old?.replaceWith(made);
  if (focused) by(focused)?.focus();
  return made;
}

function drawAll() {
  const photo = shown();
  for (const id of ["photos", "results"]) by(id).hidden = photo === null;
  document.body.classList.toggle("used", photo !== null);
  drawStrip();
  if (photo === null) return by("results").replaceChildren();
  const names = Object.keys(SECTIONS).filter((name) => !photo.refused || name === "stage" || name === "developers");
  return by("results").replaceChildren(...names.map((name) => draw(photo, name)));
}

function drawStrip() {
  const focused = document.activeElement?.id;
  by("photos").replaceChildren(...strip(photos, shown(), { show, remove }));
  if (focused && by("photos").querySelector(`#${CSS.escape(focused)}`)) by(focused).focus();
}

onChange((photo, name) => {
  if (name === null || (name === "state" && photo === shown() && photo.refused)) return drawAll();
  if (name === "state") announce(photo);
  if (name === "state" || name === "cutout") drawStrip();
  if (photo !== shown()) return undefined;
  return Object.entries(SECTIONS).filter(([, each]) => each.of(name)).forEach(([section]) => draw(photo, section));
});

function announce(photo) {
  if (photo.state === "working") return;
  const left = photos.filter((each) => each.state === "waiting").length;
  say(`${photo.name}: ${photo.refused ? photo.refused.title : headline(photo)}${left ? `, ${count(left, "photo", "photos")} left` : ""}`);
}

function why(photo, field) {
  photo.heat = photo.heat === field ? null : field;
  const there = photo.answers.heat;
  if (photo.heat && !(there?.state === "done" && there.result.heat?.[field])) request(photo, "tag", { fields: [field], explain: true }, "heat");
  else for (const name of ["stage", "tags"]) draw(photo, name);
}

function choose(name) {
  known.chosen = name;
  const photo = shown();
  if (photo.answers[`flow/${name}`]) for (const each of ["tags", "path"]) draw(photo, each);
  else request(photo, `flow/${name}`);
}

function refilter(form) {
  const said = Object.fromEntries([...form].map(([name, text]) => [name, text.trim()]).filter(([, text]) => text));
  filter = Object.fromEntries(Object.entries(said).map(([name, text]) => [name, name === "store" ? text : Number(text)]));
  request(shown(), "similar", similarOptions());
}

async function start() {
  try {
    const found = await facts();
    Object.assign(known, { flows: found.flows, missing: found.missing, chosen: known.chosen ?? found.flows[0]?.name ?? null });
    by("server").textContent = `${location.host} · ${count(found.models.length, "model", "models")}, ${count(found.flows.length, "flow", "flows")}`;
    by("notes").replaceChildren();
    return true;
  } catch (problem) {
    by("server").textContent = location.host;
    by("notes").replaceChildren(problem.code === "no_key" ? "" : problemBox(problem));
    return false;
  }
}

onKeyWanted((had) => {
  by("key-form").hidden = false;
  say(had ? "This key is not known here" : "This server asks for an API key");
});

by("key-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  useKey(by("key").value.trim());
  if (!await start()) return by("key").select();
  by("key-form").hidden = true;
  photos.filter((photo) => photo.refused).forEach(again);
  return workThrough(works);
});

const ready = start();

async function begin(made) {
  made.forEach(add);
  by("results").scrollIntoView?.({ block: "nearest" });
  await ready;
  await workThrough(works);
}

listen(
  (files) => begin(files.map((file) => ({ name: file.name || "pasted photo", file, src: URL.createObjectURL(file) }))),
  (url) => {
    if (!/^https?:\/\//i.test(url)) return false;
    begin([{ name: decodedName(url), url }]);
    return true;
  },
);

function decodedName(url) {
  try {
    const { pathname, host } = new URL(url);
    return decodeURIComponent(pathname.split("/").at(-1)) || host;
  } catch {
    return url;
  }
}
