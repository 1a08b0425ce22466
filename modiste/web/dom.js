// Builds elements. In: names, properties, children. Out: nodes. All text becomes text nodes: nothing scraped is ever HTML.

export const by = (id) => document.getElementById(id);

// `properties`: on* are listeners, class and data-/aria- names are attributes, anything else the element's property.
export function el(name, properties = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (value === undefined || value === null) continue;
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (key === "class" || key === "role" || /^(aria|data)-/.test(key)) made.setAttribute(key, value);
    else made[key] = value;
  }
  made.append(...children.flat(3).filter((child) => child !== null && child !== undefined && child !== false));
  return made;
}

export const unseen = (text) => el("span", { class: "hidden" }, text);

// A CSS variable of one element: style attributes are forbidden by the page's policy, this is not one.
export function varied(node, values) {
  for (const [key, value] of Object.entries(values)) node.style.setProperty(`--${key}`, value);
  return node;
}

export function card(title, kind, ...children) {
  const id = `title-${kind}`;
  return el("section", { class: `card ${kind}`, "aria-labelledby": id }, el("h2", { id }, title), ...children);
}

export function say(text) {
  by("said").textContent = text;
}

// RFC 9457: what it is, what exactly, what to do.
export function problemBox(problem) {
  return el("div", { class: "problem", role: "alert", "data-code": problem.code ?? "" },
    el("strong", {}, problem.title ?? "Something went wrong"),
    problem.detail && problem.detail !== problem.title ? el("p", {}, problem.detail) : null,
    problem.cure ? el("p", { class: "cure" }, `What helps: ${problem.cure}`) : null);
}

export function busy(text) {
  return el("p", { class: "busy" }, el("span", { class: "spinner", "aria-hidden": "true" }), text);
}
