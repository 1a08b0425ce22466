// The photos of this visit as a strip: thumbnail, how far it is, what it shows. In: photos. Out: a list of buttons.

import { count, titled } from "./words.js";
import { el, unseen } from "./dom.js";

const STATES = { waiting: "waiting", working: "working…", problem: "problem" };

export function strip(photos, current, { show, remove }) {
  const done = photos.filter((each) => each.state === "done" || each.state === "problem").length;
  const busy = done < photos.length;
  return [
    el("div", { class: "strip-head" },
      el("p", {}, busy ? `${done} of ${count(photos.length, "photo", "photos")} done` : count(photos.length, "photo", "photos")),
      busy ? el("progress", { max: photos.length, value: done, "aria-label": "Photos done" }) : null),
    el("ul", { class: "strip" }, photos.map((photo) => entry(photo, photo === current, show, remove))),
  ];
}

function entry(photo, chosen, show, remove) {
  const said = STATES[photo.state] ?? headline(photo);
  return el("li", { class: photo.state },
    el("button", { id: `photo-${photo.id}`, class: "thumb", "aria-current": chosen ? "true" : "false", title: photo.name, onclick: () => show(photo) },
      picture(photo), el("span", { class: "name" }, photo.name), el("span", { class: "said" }, said)),
    el("button", { class: "remove", title: "Take it off", onclick: () => remove(photo) }, el("span", { "aria-hidden": "true" }, "×"), unseen(`Take off ${photo.name}`)));
}

function picture(photo) {
  const src = photo.src ?? photo.answers.cutout?.result?.png;
  return src ? el("img", { src, alt: "", onerror: (event) => event.target.replaceWith(nothing()) }) : nothing();
}

const nothing = () => el("span", { class: "nothing", "aria-hidden": "true" }, "?");

// The first field's answer; "dress?" where the tagger does not commit itself.
export function headline(photo) {
  const tags = Object.values({ ...photo.answers.tag?.result?.tags });
  const [first] = tags;
  if (!first) return photo.state;
  return first.label ? titled(first.label) : first.ranked?.length ? `${titled(first.ranked[0].label)}?` : "not sure";
}
