// Talks to the service. In: a work ("tag", "flow/clothing", …), a photo, options. Out: its result and the whole answer,
// or a problem thrown as a plain object. The API key is held here, in memory, and nowhere else.

const WAITS = 6; // times that 429 and 503 are waited for
const MOST_WAIT_S = 20;
let key = "";
let askForKey = () => {};

export const useKey = (text) => { key = text; };
export const hasKey = () => key !== "";
export const onKeyWanted = (listener) => { askForKey = listener; };

export async function facts() {
  return (await sent("/v1/models", {})).json();
}

// Raises a problem: the request's own, or the one of this image.
export async function ask(work, photo, options, signal) {
  const answer = await (await sent(`/v1/${work}`, { method: "POST", signal, ...bodyOf(photo, options) })).json();
  const result = answer.results[0];
  if (result.error) throw { ...result.error, answer }; // a copy: the answer holds the error
  return { result, answer };
}

function bodyOf(photo, options) {
  if (photo.url) {
    const plain = Object.entries(options).map(([name, value]) => [name, isPicture(value) ? { base64: value.url, name: value.file.name } : value]);
    const body = JSON.stringify({ images: [{ url: photo.url }], ...Object.fromEntries(plain) });
    return { body, headers: { "Content-Type": "application/json" } };
  }
  const body = new FormData();
  body.append("image", photo.file, photo.name);
  for (const [name, value] of Object.entries(options)) body.append(name, ...(isPicture(value) ? [value.file, value.file.name] : [asText(value)]));
  return { body };
}

const isPicture = (value) => value?.file instanceof File; // { file, url: a data: URL } beside the photo

const asText = (value) => (Array.isArray(value) ? value.join(",") : typeof value === "object" ? JSON.stringify(value) : String(value));

async function sent(path, request) {
  const headers = { ...request.headers, ...(key ? { Authorization: `Bearer ${key}` } : {}) };
  for (let turn = 0; ; turn += 1) {
    const response = await reached(path, { ...request, headers });
    if (response.ok) return response;
    const wait = Number(response.headers.get("Retry-After"));
    const problem = await told(response);
    if (response.status === 401) askForKey(hasKey());
    if (!wait || turn >= WAITS) throw problem;
    await new Promise((done) => setTimeout(done, 1000 * Math.min(wait, MOST_WAIT_S)));
    request.signal?.throwIfAborted();
  }
}

async function reached(path, request) {
  try {
    return await fetch(path, request);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw { code: "unreachable", title: "The server does not answer", detail: "", cure: "Look whether modiste serve is still running, then try again" };
  }
}

async function told(response) {
  try {
    return await response.json();
  } catch {
    return { code: "unreadable", title: `The server answered ${response.status}`, detail: response.statusText, cure: "Try again" };
  }
}

// The same request on a command line. The key is named, never shown.
export function curlOf(work, photo, options) {
  const words = ["curl -s", key ? '-H "Authorization: Bearer $MODISTE_KEY"' : null];
  if (photo.url) {
    words.push("-H 'Content-Type: application/json'", `-d ${quoted(JSON.stringify({ images: [{ url: photo.url }], ...namedOnly(options) }))}`);
  } else {
    words.push(`-F ${quoted(`image=${atFile(photo.name)}`)}`);
    for (const [name, value] of Object.entries(options)) words.push(`-F ${quoted(`${name}=${isPicture(value) ? atFile(value.file.name) : asText(value)}`)}`);
  }
  return [...words, quoted(`${location.origin}/v1/${work}`)].filter(Boolean).join(" ");
}

const atFile = (name) => `@"${name.replaceAll(/(["\\])/g, "\\$1")}"`;
const namedOnly = (options) => Object.fromEntries(Object.entries(options).map(([name, value]) => [name, isPicture(value) ? { base64: `<${value.file.name}>` } : value]));
const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;
