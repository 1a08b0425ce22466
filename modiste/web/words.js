// How numbers, names and prices read. In: what the service answers. Out: strings; anything odd stays readable.

export const percent = (share) => `${Math.round(100 * share)} %`;

// The unsure part of nearly sure is what matters: 99.6 % is not 100 %.
export const sure = (share) => (share > 0.99 && share < 1 ? "over 99 %" : share > 0 && share < 0.01 ? "under 1 %" : percent(share));

export const titled = (word) => {
  const text = String(word ?? "").replaceAll("_", " ");
  return text.charAt(0).toUpperCase() + text.slice(1);
};

export function price(amount, currency) {
  if (typeof amount !== "number") return "";
  try {
    return new Intl.NumberFormat(undefined, { style: "currency", currency: currency || "XXX" }).format(amount).replace("¤", "").trim();
  } catch { // a currency that is none
    return `${amount.toFixed(2)} ${currency}`;
  }
}

export const count = (number, one, many) => `${number} ${number === 1 ? one : many}`;

export const stem = (name) => String(name).replace(/^.*[\\/]/, "").replace(/\.[a-z0-9]{1,5}$/i, "").replaceAll(/[^\p{L}\p{N}._-]+/gu, "-") || "photo";
