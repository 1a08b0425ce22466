// The way a photo took through a flow. In: the flow's nodes from /v1/models and the steps of an answer. Out: a card with
// the whole tree, steps taken in full, what was passed by faded. Nested lists, so that it reads well without seeing it.

import { busy, card, el, problemBox, unseen } from "./dom.js";
import { lacking } from "./tags.js";
import { sure, titled } from "./words.js";

const KINDS = { task: "asked", branch: "decides", rule: "rule", detect: "finds", flow: "flow" };

export function pathCard(photo, flow, choose) {
  const answer = photo.answers[`flow/${flow.chosen}`];
  const { missing } = flow;
  return card("Path through the flow", "path-card",
    flow.all.length > 1 ? el("label", { class: "pick" }, "Flow ",
      el("select", { id: "flow", onchange: (event) => choose(event.target.value) },
        flow.all.map((each) => el("option", { selected: each.name === flow.chosen }, each.name)))) : el("p", { class: "soft" }, flow.chosen ?? ""),
    !flow.all.length ? missing.map(([name, how]) => lacking(titled(name), how)) : null,
    answer?.state === "working" ? busy("Asking one question after another…") : null,
    answer?.state === "problem" ? problemBox(answer.problem) : null,
    answer?.state === "done" ? drawn(flow.all.find((each) => each.name === flow.chosen), answer.result.path) : null);
}

function drawn(flow, path) {
  const nodes = new Map(flow.nodes.map((node) => [node.id, node]));
  const steps = new Map(path.map((step) => [step.node, step]));
  const tree = { nodes, steps, inner: path.filter((step) => !nodes.has(step.node)) };
  return el("div", { class: "scroll", tabIndex: 0, role: "group", "aria-label": `Steps of ${flow.name}` }, chain(tree, [flow.nodes[0]?.id]));
}

// Lists are no steps of their own, and what follows a rule or a find without another way follows in the same line.
function flat(tree, id) {
  const node = tree.nodes.get(id);
  if (!node) return [];
  if (node.kind === "list") return node.children.flatMap((child) => flat(tree, child));
  return forks(node) ? [node] : [node, ...node.children.flatMap((child) => flat(tree, child))];
}

const forks = (node) => node.kind === "branch" || node.children.length > 1;

function chain(tree, ids) {
  const line = ids.flatMap((id) => flat(tree, id));
  return el("ol", { class: "chain" }, line.map((node) => stepOf(tree, node)));
}

function stepOf(tree, node) {
  const step = tree.steps.get(node.id);
  const inner = node.kind === "flow" && step ? tree.inner.filter((each) => each.node.startsWith(`${node.subject}/`)) : [];
  return el("li", { class: step ? "taken" : "passed", "data-node": node.id },
    box(node.kind, title(node.kind, node.subject), step),
    forks(node) ? ways(tree, node, step) : null,
    inner.length ? el("ol", { class: "chain" }, inner.map((each) => el("li", { class: "taken" }, box(each.kind, title(each.kind, each.field ?? each.node.split(" ").at(-1)), each)))) : null);
}

function ways(tree, node, step) {
  const way = step ? wayTaken(tree, node, step) : -1;
  return el("ul", { class: "ways" }, node.children.map((child, place) =>
    el("li", { class: place === way ? "way taken" : "way passed" },
      el("span", { class: "case" }, node.ways?.[place] || "then", unseen(place === way ? " (taken)" : " (not taken)")),
      flat(tree, child).length ? chain(tree, [child]) : el("span", { class: "soft" }, "nothing more is asked"))));
}

// The way below which a step was made; where none has steps, the one of the answer, or `otherwise`.
function wayTaken(tree, node, step) {
  const below = (id) => tree.steps.has(id) || (tree.nodes.get(id)?.children ?? []).some(below);
  const found = node.children.findIndex(below);
  if (found >= 0) return found;
  const named = node.ways?.indexOf(step.label) ?? -1;
  return named >= 0 ? named : node.ways?.indexOf("otherwise") ?? -1;
}

function title(kind, subject) {
  if (kind === "branch") return `By ${subject}`;
  if (kind === "detect") return `Find the ${subject}`;
  if (kind === "flow") return `Flow ${subject}`;
  return { pixels: "Large enough?", implied: "What follows" }[subject] ?? titled(subject);
}

function box(kind, name, step) {
  const answered = step && step.field !== null && kind !== "branch";
  return el("div", { class: "step" },
    el("span", { class: "kind" }, KINDS[kind] ?? kind), el("strong", {}, name),
    answered ? el("span", { class: step.label === null ? "said unsure" : "said" }, step.label === null ? "not sure" : titled(step.label),
      step.confidence === null ? "" : ` ${sure(step.confidence)}`) : null,
    step ? el("span", { class: "why" }, step.why) : el("span", { class: "why" }, "not reached"));
}
