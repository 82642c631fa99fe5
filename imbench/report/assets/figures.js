// Frames of figures: drawn when they come into view, each with its values as a table.
// Needs base.js and data.js. A figure is {id, title, height, wide, overlays, draw(block, rows)}: draw
// returns {traces, layout, caption, table: {heads, rows}, words, wide} or {empty: "one sentence"}
// and is not called without a chosen strategy if the figure overlays them. A bare one has no heading.

const COLOURS = {
  light: ["#1f5fa8", "#c4501b", "#16815f", "#8a4fb0", "#a8780a", "#c23b72", "#4b7f9e", "#6b7a1f"],
  dark: ["#7db4f0", "#f2936a", "#63cfa4", "#c79be6", "#e3bb55", "#f08bb2", "#8fc4de", "#bccb6a"],
};
const DASHES = ["solid", "dash", "dot", "dashdot"];
const drawn = new Map(); // id of a figure -> whether its drawing is that of the present choice
const sections = [];

/** The block that figures are about: the chosen one of those shown. */
function figureBlock() {
  const shown = blocksShown();
  return shown[Math.min(chosen.block, shown.length - 1)];
}

/** Colour and dash of the n-th strategy; the baseline is always grey and dashed. */
function look(block, row, place) {
  if (row === baselineRow(block)) {
    return { color: theme.dark ? "#b9bec6" : "#5f6670", dash: "dash" };
  }
  const palette = COLOURS[theme.dark ? "dark" : "light"];
  return { color: palette[place % palette.length], dash: DASHES[Math.floor(place / palette.length) % 4] };
}

/** Rows in the figures with their looks. */
function lines(block) {
  let place = -1;
  return overlaid(block).map((row) => {
    if (row !== baselineRow(block)) place += 1;
    return { row, title: block.rows[row].title, ...look(block, row, Math.max(place, 0)) };
  });
}

/** A colour of the style sheet, which paper has its own of. */
function colourOf(name) {
  const paper = { "--paper": "#fff", "--good": "#00563f", "--bad": "#8f3900", "--ink": "#000", "--soft": "#444" };
  if (theme.printing) return paper[name];
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

/** Colours and fonts that every figure shares. */
function baseLayout(height) {
  const style = getComputedStyle(document.documentElement);
  const value = (name) => style.getPropertyValue(name).trim();
  const [ink, soft, line] = theme.printing
    ? ["#000", "#444", "#bbb"]
    : [value("--ink"), value("--soft"), value("--line")];
  const axis = {
    gridcolor: line, linecolor: soft, zerolinecolor: soft, tickcolor: soft,
    zeroline: false, showline: true, ticks: "outside", ticklen: 4, automargin: true,
    tickfont: { color: soft, size: 12 }, title: { font: { color: ink, size: 13 }, standoff: 8 },
  };
  return {
    height,
    margin: { l: 52, r: 12, t: 8, b: 44 },
    paper_bgcolor: "rgba(0,0,0,0)",
    plot_bgcolor: "rgba(0,0,0,0)",
    font: { color: ink, size: 12, family: 'system-ui, -apple-system, "Segoe UI", Roboto, sans-serif' },
    hoverlabel: { font: { size: 12 }, align: "left" },
    showlegend: false,
    dragmode: false,
    axis,
    ink, soft, line,
  };
}

/** An axis with a title, over the shared look. */
function axisOf(base, title, more = {}) {
  return { ...base.axis, ...more, title: { ...base.axis.title, text: title } };
}

/** Limits of an axis of shares that fit the data: never below 0 or above 1 by more than a margin. */
function unitRange(values) {
  const known = values.filter((value) => Number.isFinite(value));
  if (!known.length) return [-0.015, 1.015];
  const [low, high] = [Math.min(...known), Math.max(...known)];
  const room = Math.max(0.06 * (high - low), 0.012);
  return [Math.max(low - room, -0.015), Math.min(high + room, 1.015)];
}

/** Build a section with its tools and frames; called once. */
function addSection(id, title, about, figures, tools = null, place = byId("figures")) {
  const grid = el("div", { class: "grid" }, ...figures.map(frame));
  const section = el(
    "section",
    { id, "aria-labelledby": `${id}-title` },
    el("h2", { id: `${id}-title` }, title),
    about ? el("p", { class: "soft" }, about) : null,
    tools,
    grid,
  );
  sections.push(section);
  place.append(section);
  return section;
}

function frame(figure) {
  const node = el(
    "figure",
    { id: figure.id, class: figure.wide ? "wide" : null },
    el("figcaption", {}, figure.bare ? null : el("h3", {}, figure.title), el("p", { class: "caption" })),
    el("div", { class: "plot", role: "img", style: `min-height:${figure.height ?? 340}px` }),
    el(
      "details",
      { class: "as-table", on: { toggle: () => fillTable(node) } },
      el("summary", {}, "Values as a table"),
      el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": `${figure.title}: values` }),
    ),
  );
  node.figure = figure;
  watcher.observe(node);
  return node;
}

const watcher = new IntersectionObserver(
  (entries) => {
    for (const { target, isIntersecting } of entries) {
      target.inView = isIntersecting;
      if (isIntersecting) drawFigure(target);
    }
  },
  { rootMargin: "300px" },
);

/** The plotting library. It is 5 MB of script, read when the first figure comes into view. */
function plotting() {
  if (!window.Plotly) document.head.append(el("script", {}, byId("plotly").textContent));
  return window.Plotly;
}

/** Draw a figure unless its drawing is still right. */
function drawFigure(node) {
  if (drawn.get(node.id)) return;
  drawn.set(node.id, true);
  const block = figureBlock();
  const plot = node.querySelector(".plot");
  const rows = lines(block);
  const result = node.figure.overlays && !rows.length ? { empty: "Choose a strategy to see it here." } : node.figure.draw(block, rows);
  node.result = result;
  node.querySelector(".caption").textContent = result.caption ?? "";
  node.querySelector("details").hidden = Boolean(result.empty);
  if (result.empty) {
    plotting().purge(plot);
    plot.replaceChildren(el("p", { class: "empty" }, result.empty));
    plot.style.minHeight = "0";
    plot.removeAttribute("role");
    plot.removeAttribute("aria-label");
    return;
  }
  if (plot.querySelector(".empty")) plot.replaceChildren();
  if (result.wide !== undefined) node.classList.toggle("wide", result.wide);
  const height = result.layout.height;
  plot.style.minHeight = `${height}px`;
  plot.setAttribute("role", "img");
  plot.setAttribute("aria-label", `${node.figure.title}. ${result.words} The values follow as a table.`);
  const { axis, ink, soft, line, ...layout } = result.layout; // the rest is what Plotly knows
  if (theme.printing) {
    // The window is still that of the screen: A4 less its margins holds two columns of this width.
    const room = node.classList.contains("wide") ? 640 : 310;
    layout.width = Math.min(layout.width ?? room, room);
  }
  fillTable(node);
  try {
    plotting().react(plot, result.traces, layout, { responsive: true, displayModeBar: false, doubleClick: false });
  } catch (error) {
    console.error(`${node.id}: ${error}`); // the other figures and the table of values remain
  }
}

/** Fill the open table of values; a closed one costs nothing. */
function fillTable(node) {
  const details = node.querySelector("details");
  if (!details.open || !node.result?.table) return;
  const { heads, rows } = node.result.table;
  details.querySelector(".scroll").replaceChildren(textTable(heads, rows));
}

/** Redraw what is in view and mark the rest. */
function drawFigures() {
  if (!blocksShown().length) return;
  drawn.clear();
  drawTools();
  drawCounts();
  drawMatrices();
  drawCrossings();
  for (const node of document.querySelectorAll("figure")) if (node.inView) drawFigure(node);
}

/** Draw everything, for paper: what was never in view as well. */
function drawAll() {
  drawFigures();
  if (!blocksShown().length) return;
  for (const node of document.querySelectorAll("figure")) drawFigure(node);
}
