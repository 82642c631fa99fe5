// Helpers that know nothing of the report. Names from results are only ever set as text.

const byId = (id) => document.getElementById(id);

/** Make an element; attributes that are null are left out, `on` holds event handlers. */
function el(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [key, value] of Object.entries(attributes)) {
    if (key === "on") {
      for (const [event, handler] of Object.entries(value)) node.addEventListener(event, handler);
    } else if (value !== null && value !== undefined && value !== false) {
      node.setAttribute(key, value === true ? "" : value);
    }
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

const option = (value, text) => el("option", { value }, text);

/** A number with a true minus sign, or a dash where it is undefined. */
function fixed(value, digits = 3, plus = false) {
  if (value === null || value === undefined || !Number.isFinite(value)) return "–";
  const text = Math.abs(value).toFixed(digits);
  const zero = Number(text) === 0;
  return (value < 0 && !zero ? "−" : plus && !zero ? "+" : "") + text;
}

/** Seconds with three digits that mean something. */
function seconds(value) {
  if (!Number.isFinite(value)) return "–";
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2);
}

const count = (n, one, many = `${one}s`) => `${n.toLocaleString("en")} ${n === 1 ? one : many}`;

/** A p-value, or a dash. */
const pText = (p) => (Number.isFinite(p) && p !== null && p < 0.001 ? "< 0.001" : fixed(p));

/** A gain with its interval: `+0.041 [+0.010, +0.072]`. */
const rangeText = (low, high) => (Number.isFinite(low) ? `[${fixed(low, 3, true)}, ${fixed(high, 3, true)}]` : "");

/** Words that are only read aloud. */
const aloud = (text) => el("span", { class: "visually-hidden" }, text);

/** Unpack base64 of little-endian float32. */
function floats(text) {
  const raw = atob(text);
  const bytes = new Uint8Array(raw.length);
  for (let i = 0; i < raw.length; i += 1) bytes[i] = raw.charCodeAt(i);
  return new Float32Array(bytes.buffer);
}

/** Plotly reads a little HTML in labels: a name must not become markup. */
function plain(name, width = 28) {
  const line = String(name).replace(/\s+/g, " ");
  const letters = [...line];
  const short = letters.length > width ? `${letters.slice(0, width - 1).join("")}…` : line;
  return short.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");
}

/** A name that may break after an underscore or a plus, as nodes. */
const breakable = (name) => name.split(/(?<=[_+])/).flatMap((part, i) => (i ? [el("wbr"), part] : [part]));

/** A table of text; the first column names the row. */
function textTable(heads, rows, caption = null) {
  return el(
    "table",
    {},
    caption ? el("caption", {}, caption) : null,
    el(
      "thead",
      {},
      el("tr", {}, ...heads.map((head, i) => el("th", { scope: "col", class: i ? null : "text" }, head))),
    ),
    el(
      "tbody",
      {},
      ...rows.map((row) =>
        el(
          "tr",
          {},
          ...row.map((cell, i) =>
            i ? el("td", {}, String(cell)) : el("th", { scope: "row", class: "text" }, String(cell)),
          ),
        ),
      ),
    ),
  );
}

// Theme: the system's until the reader chooses; the choice is kept where the browser allows it.
const theme = {
  key: "imbench-theme",
  printing: false,
  get dark() {
    if (theme.printing) return false;
    const chosen = document.documentElement.dataset.theme;
    return chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  },
  restore() {
    try {
      const kept = localStorage.getItem(theme.key);
      if (kept === "dark" || kept === "light") document.documentElement.dataset.theme = kept;
    } catch {
      // A page opened from a file may have no storage.
    }
  },
  toggle() {
    const next = theme.dark ? "light" : "dark";
    document.documentElement.dataset.theme = next;
    try {
      localStorage.setItem(theme.key, next);
    } catch {
      // As above: the choice then lasts as long as the page.
    }
  },
};
