// Similar products as cards. In: the answer of /v1/similar. Out: a card. Titles, shops and addresses were scraped from
// strangers' pages: they are text, and only http(s) addresses become links.

import { busy, card, el, problemBox, unseen } from "./dom.js";
import { lacking } from "./tags.js";
import { count, percent, price } from "./words.js";

const LINK = /^https?:\/\//i;

export function similarCard(photo, missing, filter, change) {
  const answer = photo.answers.similar;
  if (missing.similar) return card("Similar products", "similar-card", lacking("Similar products", missing.similar));
  return card("Similar products", "similar-card", filters(filter, change),
    !answer || answer.state === "working" ? busy("Searching…") : answer.state === "problem" ? problemBox(answer.problem) :
      answer.result.hits.length ? el("ul", { class: "hits" }, answer.result.hits.map(hit)) : el("p", { class: "soft" }, "None."));
}

function filters(filter, change) {
  const field = (name, label, more) => el("label", {}, label, el("input", { name, id: `where-${name}`, value: filter[name] ?? "", autocomplete: "off", ...more }));
  const amount = { type: "number", min: 0, step: "any", inputMode: "decimal" };
  return el("form", { class: "filters", onsubmit: (event) => { event.preventDefault(); change(new FormData(event.target)); } },
    field("store", "Shop", { type: "text" }), field("price_min", "Price from", amount), field("price_max", "to", amount), el("button", {}, "Filter"));
}

function hit(each) {
  const title = each.title || each.product_id || "without a title";
  return el("li", { class: "hit" },
    each.thumbnail?.startsWith("data:image/jpeg;base64,") ? el("img", { src: each.thumbnail, alt: "" }) : el("span", { class: "nothing" }, "no picture"),
    el("p", { class: "title" }, LINK.test(each.url ?? "")
      ? el("a", { href: each.url, target: "_blank", rel: "noopener nofollow noreferrer" }, title, unseen(" (opens in a new tab)")) : title),
    el("p", { class: "price" }, price(each.price, each.currency)),
    el("p", { class: "soft" }, [each.store, each.copies ? count(each.copies + 1, "picture", "pictures") : null].filter(Boolean).join(" · ")),
    el("p", { class: "near" }, `${percent(each.similarity)} alike`));
}
