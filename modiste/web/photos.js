// The photos of this visit and what is known of each. In: files and addresses. Out: photos with answers by work, worked
// on one after the other; listeners hear of every change. Never touches the page.

import { ask } from "./ask.js";

const listeners = [];
export const photos = [];
let current = null;
let next = 1;
let running = false;

export const onChange = (listener) => listeners.push(listener);
export const shown = () => current;
const tell = (photo, work) => listeners.forEach((listener) => listener(photo, work));

export function add(made) {
  const photo = { id: next++, answers: {}, state: "waiting", stop: new AbortController(), ...made };
  const idle = photos.every((each) => each.state === "done" || each.state === "problem");
  photos.push(photo);
  if (current === null || idle) current = photo; // who drops more is shown the first of them once the others are done
  tell(photo, null);
}

export function show(photo) {
  current = photo;
  tell(photo, null);
}

export function remove(photo) {
  const place = photos.indexOf(photo);
  photos.splice(place, 1);
  photo.stop.abort();
  if (photo.src) URL.revokeObjectURL(photo.src);
  if (current === photo) current = photos[Math.min(place, photos.length - 1)] ?? null;
  tell(current, null);
}

// Ask one thing of one photo; its answer, kept under `name`, is {state, work, options, result, answer, problem}.
export async function request(photo, work, options = {}, name = work) {
  const mine = { state: "working", work, options };
  photo.answers[name] = mine;
  tell(photo, name);
  try {
    Object.assign(mine, await ask(work, photo, options, photo.stop.signal), { state: "done" });
  } catch (problem) {
    if (photo.stop.signal.aborted) return mine;
    Object.assign(mine, { state: "problem", problem, answer: problem.answer ?? problem });
  }
  if (photo.answers[name] === mine) tell(photo, name); // else asked anew meanwhile
  return mine;
}

// Work through all that wait; `works` gives [work, options] of the first look at a photo.
export async function workThrough(works) {
  if (running) return;
  running = true;
  try {
    for (let photo; (photo = photos.find((each) => each.state === "waiting"));) {
      photo.state = "working";
      tell(photo, "state");
      await first(photo, works());
      tell(photo, "state");
    }
  } finally {
    running = false;
  }
}

// What the first answer refuses (no image, no key), the others would refuse too.
async function first(photo, [[work, options], ...others]) {
  const found = await request(photo, work, options);
  const alone = found.state === "problem" && found.problem.code !== "not_here";
  if (!alone) await Promise.all(others.map(([each, more]) => request(photo, each, more)));
  photo.refused = alone ? found.problem : null;
  photo.state = alone ? "problem" : "done";
}

export function again(photo) {
  Object.assign(photo, { state: "waiting", refused: null, answers: {} });
  tell(photo, null);
}
